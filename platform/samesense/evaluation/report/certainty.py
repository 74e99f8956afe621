"""How sure the numbers are: intervals, spread over seeds and chance, as an HTML table."""

from collections.abc import Mapping, Sequence

from samesense.evaluation.chance_table import interval, signed
from samesense.evaluation.findings import Finding
from samesense.evaluation.report.tables import html_table
from samesense.evaluation.results import BASELINE, BASELINE_OF, DIFFERENCE, told

HEADS: tuple[str, ...] = (
    "held out",
    "model",
    "metric",
    "unaligned",
    "95 % interval",
    "aligned",
    "95 % interval",
)
HEADS += ("gain", "p", "beyond chance")
CAPTION = (
    "Intervals over queries (bootstrap); ± is the standard deviation over seeds. p: how often "
    "chance alone parts a model as far from its unaligned backbone, or from the other model, on "
    "the same queries. Beyond chance: p below 0.05 and, of several seeds, a gain beyond its spread"
)


def certainty_table(found: Sequence[Finding]) -> str:
    """Return a line for each number that is compared; nothing without any."""
    compared = [one for one in found if one.gain is not None]
    if not compared:
        return ""
    baselines = {(one.held_out, one.model, one.metric): one for one in found if one.gain is None}
    lines = [_cells(one, baseline_of(one, baselines)) for one in compared]
    return html_table(HEADS, lines, caption=CAPTION, words=(0, 1, 2))


def baseline_of(one: Finding, baselines: Mapping[tuple[str, str, str], Finding]) -> Finding | None:
    """Return the same number of the backbone that a model is compared with, its own or shared."""
    own = baselines.get((one.held_out, BASELINE_OF.format(model=one.model), one.metric))
    return own or baselines.get((one.held_out, BASELINE, one.metric))


def _cells(one: Finding, before: Finding | None) -> list[str]:
    is_difference = DIFFERENCE in one.metric
    return [
        one.held_out,
        one.model,
        one.metric,
        "" if before is None else told(before.value),
        "" if before is None else interval(before),
        "" if is_difference else told(one.value),
        interval(one, sign="+" if is_difference else ""),
        "" if one.gain is None else signed(one.gain),
        "" if one.p_value is None else f"{one.p_value:.4f}",
        "" if one.p_value is None else ("yes ★" if one.beyond_chance else "no"),
    ]
