"""Rows, their summary over seeds and domains, and the file that other tools read."""

import json
import math
from pathlib import Path

import pytest

from samesense.core.errors import ConfigError
from samesense.evaluation.results import (
    Row,
    gain,
    read_results,
    results_table,
    summarise,
    write_results,
)


def row(held_out: str, seed: int, model: str, value: float) -> Row:
    return Row(held_out, seed, model, "mAP@200", value, "udcdr-clean", 10, 20)


ROWS = [
    row("photo", 0, "identity", 0.2),
    row("photo", 1, "identity", 0.4),
    row("sketch", 0, "identity", 0.1),
    row("sketch", 1, "identity", 0.1),
    row("photo", 0, "gated", 0.6),
    row("photo", 1, "gated", 0.8),
    row("sketch", 0, "gated", 0.3),
    row("sketch", 1, "gated", 0.3),
]


def test_mean_and_spread_by_hand() -> None:
    table = summarise(ROWS)
    photo = table["photo", "gated", "mAP@200"]
    assert (photo.mean, photo.std, photo.seeds) == pytest.approx((0.7, math.sqrt(0.02), 2))
    mean = table["mean", "gated", "mAP@200"]
    # Domain means: 0.45 with seed 0 and 0.55 with seed 1.
    assert (mean.mean, mean.std) == pytest.approx((0.5, math.sqrt(0.005)))


def test_gain_is_paired_by_seed() -> None:
    found = gain(ROWS, model="gated", metric="mAP@200")
    assert (found.mean, found.std) == pytest.approx((0.3, 0.0), abs=1e-12)
    assert found.beyond_spread


def test_one_seed_shows_no_spread_and_proves_nothing() -> None:
    single = [r for r in ROWS if r.seed == 0]
    assert not gain(single, model="gated", metric="mAP@200").beyond_spread
    assert summarise(single)["photo", "gated", "mAP@200"].std == 0


def test_the_file_is_a_list_of_rows_with_stable_names(tmp_path: Path) -> None:
    write_results(tmp_path / "results.json", ROWS)
    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored[0] == {
        "held_out": "photo",
        "seed": 0,
        "model": "identity",
        "metric": "mAP@200",
        "value": 0.2,
        "protocol": "udcdr-clean",
        "n_queries": 10,
        "n_gallery": 20,
        "low": None,
        "high": None,
        "p_value": None,
    }
    assert read_results(tmp_path / "results.json") == ROWS


def test_the_table_names_every_domain_and_both_models() -> None:
    text = results_table(ROWS)
    assert [line.split()[0] for line in text.splitlines()] == ["held", "photo", "sketch", "mean"]
    assert "0.500 ± 0.071" in text
    assert "+0.300" in text


def test_differences_between_models_are_no_metric_of_the_table() -> None:
    difference = Row("photo", 0, "gated", "mAP@200 over other", 0.1, "udcdr-clean", 10, 20)
    assert results_table([*ROWS, difference]) == results_table(ROWS)


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    for text in ('{"a": 1}', '[{"a": 1}]', "nonsense"):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(ConfigError, match=r"other\.json: is no file of results"):
            read_results(tmp_path / "other.json")
