"""Means over the same queries with what chance has to say of them, as a plain-text table."""

from collections.abc import Sequence

from samesense.evaluation.findings import Finding
from samesense.evaluation.results import DIFFERENCE, Summary, told

HEADS = ("held out", "model", "metric", "value", "95 % interval", "gain", "p", "")
NOTE = """\
intervals over queries (bootstrap, 95 %); gain over the unaligned backbone, or over the other model
p: how often chance alone parts the two as far on the same queries
* beyond chance: p below 0.05"""
SEEDS_NOTE = ", and the gain beyond its spread over seeds; ± standard deviation over seeds"


def chance_table(found: Sequence[Finding]) -> str:
    """Return a line for each mean over queries, and for each difference of two models.

    Of several held-out domains each line says which. Both have their interval; a star marks what is
    beyond chance (``Finding.beyond_chance``).
    """
    shown = [one for one in found if one.low is not None or one.gain is not None]
    table = [HEADS, *(_cells(one) for one in shown)]
    if len({one.held_out for one in shown}) < 2:
        table = [line[1:] for line in table]
    words = HEADS.index("value") - (len(HEADS) - len(table[0]))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]
    several = any(one.value.seeds > 1 for one in shown)
    return "\n".join([*lines, NOTE + SEEDS_NOTE * several])


def interval(one: Finding, *, sign: str = "") -> str:
    """Return the interval in words, nothing where there is none."""
    if one.low is None or one.high is None:
        return ""
    return f"[{one.low:{sign}.3f}, {one.high:{sign}.3f}]"


def signed(summary: Summary) -> str:
    """Return a difference with its sign and, of several seeds, its spread."""
    spread = f" ± {summary.std:.3f}" if summary.seeds > 1 else ""
    return f"{summary.mean:+.3f}{spread}"


def _cells(one: Finding) -> tuple[str, ...]:
    is_difference = DIFFERENCE in one.metric
    return (
        one.held_out,
        one.model,
        one.metric,
        signed(one.value) if is_difference else told(one.value),
        interval(one, sign="+" if is_difference else ""),
        "" if one.gain is None or is_difference else signed(one.gain),
        "" if one.p_value is None else f"{one.p_value:.4f}",
        "*" if one.beyond_chance else "",
    )
