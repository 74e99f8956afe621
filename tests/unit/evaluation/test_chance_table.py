"""What chance says of numbers over the same queries, as a person reads it."""

from samesense.evaluation.chance_table import chance_table
from samesense.evaluation.results import Row


def row(model: str, value: float, p_value: float | None, metric: str = "mAP@200") -> Row:
    bounds = {"low": value - 0.01, "high": value + 0.01, "p_value": p_value}
    return Row("sketch", 0, model, metric, value, "udcdr-clean", 10, 20, **bounds)


def test_lines_by_hand() -> None:
    rows = [
        row("identity", 0.3, None),
        row("gated", 0.4, 0.0005),
        row("other", -0.05, 0.2, "mAP@200 over gated"),
    ]
    head, *lines, note = chance_table(rows).split("\n")
    assert [line.split() for line in lines] == [
        ["identity", "mAP@200", "+0.300", "[+0.290,", "+0.310]"],
        ["gated", "mAP@200", "+0.400", "[+0.390,", "+0.410]", "0.0005", "*"],
        ["other", "mAP@200", "over", "gated", "-0.050", "[-0.060,", "-0.040]", "0.2000"],
    ]
    assert len(head) == len(lines[2])
    assert "on the same queries" in note


def test_what_is_no_mean_over_queries_has_no_line() -> None:
    hubness = Row("sketch", 0, "gated", "hubness", 1.0, "gap-clean", 10, 10)
    assert "hubness" not in chance_table([row("gated", 0.4, 0.1), hubness])
