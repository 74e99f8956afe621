"""What chance says of numbers over the same queries, as a person reads it."""

from dataclasses import replace

from samesense.evaluation.chance_table import chance_table
from samesense.evaluation.findings import Finding
from samesense.evaluation.results import Summary


def finding(
    model: str,
    value: float,
    gain: float | None,
    p_value: float | None,
    metric: str = "mAP@200",
    seeds: int = 1,
) -> Finding:
    std = 0.02 if seeds > 1 else 0.0
    by = None if gain is None else Summary(gain, std, seeds)
    low, high = value - 0.01, value + 0.01
    of = Summary(value, std, seeds)
    return Finding("sketch", "udcdr-clean", model, metric, of, low, high, by, p_value)


def test_lines_by_hand() -> None:
    found = [
        finding("identity", 0.3, None, None),
        finding("gated", 0.4, 0.1, 0.0005),
        finding("other", -0.05, -0.05, 0.2, "mAP@200 over gated"),
    ]
    head, *lines = chance_table(found).split("\n")[:4]
    assert [line.split() for line in lines] == [
        ["identity", "mAP@200", "0.300", "[0.290,", "0.310]"],
        ["gated", "mAP@200", "0.400", "[0.390,", "0.410]", "+0.100", "0.0005", "*"],
        ["other", "mAP@200", "over", "gated", "-0.050", "[-0.060,", "-0.040]", "0.2000"],
    ]
    assert head.index("95 %") < lines[0].index("310")
    assert "over seeds" not in chance_table(found)


def test_several_seeds_show_their_spread_and_what_it_is() -> None:
    told = chance_table([finding("gated", 0.4, 0.1, 0.0005, seeds=3)])
    assert "0.400 ± 0.020" in told
    assert "+0.100 ± 0.020" in told
    assert "± standard deviation over seeds" in told


def test_of_several_held_out_domains_each_line_says_which() -> None:
    here = finding("gated", 0.4, 0.1, 0.01)
    told = chance_table([here, replace(here, held_out="photo")])
    assert [line.split()[0] for line in told.split("\n")[1:3]] == ["sketch", "photo"]


def test_what_is_no_mean_over_queries_has_no_line() -> None:
    hubness = Finding(
        "sketch", "gap-clean", "gated", "hubness", Summary(1, 0, 1), None, None, None, None
    )
    assert "hubness" not in chance_table([finding("gated", 0.4, 0.1, 0.1), hubness])
