"""One run's numbers with what chance has to say of them, as a plain-text table."""

from collections.abc import Sequence

from samesense.evaluation.results import BASELINE, Row

LEVEL = 0.05


def chance_table(rows: Sequence[Row]) -> str:
    """Return a line for each metric that is a mean over queries: both models with their intervals,
    and whether the gain is beyond chance.
    """
    before = {(row.held_out, row.seed, row.metric): row for row in rows if row.model == BASELINE}
    lines = [f"{'metric':<24}{'unaligned':>24}{'aligned':>24}{'gain':>9}{'p':>9}"]
    for row in rows:
        if row.p_value is not None:
            unaligned = before[row.held_out, row.seed, row.metric]
            mark = " *" if row.p_value < LEVEL else ""
            gain = row.value - unaligned.value
            cells = f"{_told(unaligned):>24}{_told(row):>24}{gain:>+9.3f}{row.p_value:>9.4f}"
            lines.append(f"{row.metric:<24}{cells}{mark}")
    note = (
        "[95 % interval over queries]; p: how often chance alone parts the two as far, over the "
        "same queries; * below 0.05"
    )
    return "\n".join([*lines, note])


def _told(row: Row) -> str:
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
