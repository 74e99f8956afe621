"""Numbers of the same queries with what chance has to say of them, as a plain-text table."""

from collections.abc import Sequence

from samesense.evaluation.results import Row

LEVEL = 0.05


def chance_table(rows: Sequence[Row]) -> str:
    """Return a line for each mean over queries, and for each difference of two models.

    Both have their interval; a star marks what chance alone would hardly give: a model apart from
    its unaligned backbone, or from the other model.
    """
    told = [row for row in rows if row.low is not None]
    width = max((len(row.model) for row in told), default=0) + 2
    metric_width = max((len(row.metric) for row in told), default=0) + 2
    lines = [
        f"{'model':<{width}}{'metric':<{metric_width}}{'value':>8}{'95 % interval':>20}{'p':>9}"
    ]
    for row in told:
        interval = f"[{row.low:+.3f}, {row.high:+.3f}]"
        chance = "" if row.p_value is None else f"{row.p_value:.4f}"
        mark = " *" if row.p_value is not None and row.p_value < LEVEL else ""
        name = f"{row.model:<{width}}{row.metric:<{metric_width}}"
        lines.append(f"{name}{row.value:>+8.3f}{interval:>20}{chance:>9}{mark}")
    note = (
        "intervals over queries (bootstrap); p: how often chance alone parts a model as far from "
        "its unaligned backbone, or from the other model, on the same queries; * below 0.05"
    )
    return "\n".join([*lines, note])
