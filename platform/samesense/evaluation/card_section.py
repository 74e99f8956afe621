"""What a model card says of one evaluation, as Markdown."""

from collections.abc import Mapping, Sequence

from samesense.evaluation.chance_table import interval, signed
from samesense.evaluation.findings import Finding
from samesense.evaluation.markdown import markdown_table
from samesense.evaluation.results import DIFFERENCE, told

HEADS = ("metric", "unaligned", "95 % interval", "this model", "95 % interval", "gain", "p")
NOTE = (
    "Intervals over queries (bootstrap); p: how often chance alone parts the model as far from its "
    "unaligned backbone on the same queries (paired sign flips); * beyond chance."
)


def card_section(
    before: Sequence[Finding],
    after: Sequence[Finding],
    *,
    over_seeds: Sequence[Finding],
    facts: Mapping[str, str],
) -> str:
    """Return the numbers of one model beside its unaligned backbone's, and where they come from.

    ``before`` and ``after`` are of its own run; ``over_seeds`` of all runs of its recipe.
    """
    first = after[0]
    baseline = {one.metric: one for one in before}
    lines = [_cells(baseline[one.metric], one) for one in after if one.metric in baseline]
    parts = [
        f"## Evaluation by {first.protocol}, held out: {first.held_out}",
        markdown_table([HEADS, *lines]),
        NOTE,
        "\n".join(f"- {name}: {value}" for name, value in facts.items()),
        _over_seeds(over_seeds),
    ]
    return "\n\n".join(part for part in parts if part)


def _cells(before: Finding, after: Finding) -> list[str]:
    p_value = "" if after.p_value is None else f"{after.p_value:.4f}"
    return [
        after.metric,
        told(before.value),
        interval(before),
        told(after.value),
        interval(after),
        "" if after.gain is None else signed(after.gain),
        f"{p_value} *" if after.beyond_chance else p_value,
    ]


def _over_seeds(found: Sequence[Finding]) -> str:
    told_lines = [
        f"- {one.metric}: {told(one.value)}"
        + ("" if one.gain is None else f", gain {signed(one.gain)}")
        for one in found
        if one.value.seeds > 1 and DIFFERENCE not in one.metric
    ]
    if not told_lines:
        return ""
    return "\n".join([f"Over {found[0].value.seeds} seeds, mean ± std:", "", *told_lines])
