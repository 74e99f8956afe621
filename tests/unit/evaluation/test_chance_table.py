"""What chance says of a run's numbers, as a person reads it."""

from samesense.evaluation.chance_table import chance_table
from samesense.evaluation.results import Row


def row(model: str, value: float, p_value: float | None) -> Row:
    bounds = {"low": value - 0.01, "high": value + 0.01, "p_value": p_value}
    return Row("sketch", 0, model, "mAP@200", value, "udcdr-clean", 10, 20, **bounds)


def test_a_line_by_hand() -> None:
    head, line, note = chance_table([row("identity", 0.3, None), row("gated", 0.4, 0.0005)]).split(
        "\n"
    )
    assert line.split() == [
        "mAP@200",
        *["0.300", "[0.290,", "0.310]"],
        *["0.400", "[0.390,", "0.410]"],
        "+0.100",
        "0.0005",
        "*",
    ]
    assert len(head) == len(line) - len(" *")
    assert "over the same queries" in note


def test_what_chance_gives_is_not_marked() -> None:
    table = chance_table([row("identity", 0.3, None), row("gated", 0.31, 0.2)])
    assert "*" not in table.split("\n")[1]
