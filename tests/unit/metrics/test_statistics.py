"""Intervals that hold as often as they say, and a test that chance passes as often as it says."""

import numpy as np
import pytest

from samesense.metrics import statistics
from samesense.metrics.statistics import bootstrap_interval, paired_p_value


def test_an_interval_of_95_percent_holds_about_so_often() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(400):
        found = bootstrap_interval(rng.exponential(1.0, 200), draws=400, seed=seed)
        held += found.low <= 1.0 <= found.high
    assert 0.90 <= held / 400 <= 0.98


def test_its_width_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(1).standard_normal(4000)
    found = bootstrap_interval(values)
    assert found.high - found.low == pytest.approx(2 * 1.96 / np.sqrt(4000), rel=0.06)


def test_models_that_do_not_differ_are_told_apart_as_seldom_as_is_said() -> None:
    rng = np.random.default_rng(2)
    p = [
        paired_p_value(rng.random(60) - rng.random(60), draws=300, seed=seed) for seed in range(400)
    ]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


def test_by_hand_over_all_sign_flips() -> None:
    # Of the 8 ways to flip 1, 1 and 1, two part the means as far as they are.
    p = paired_p_value(np.ones(3), draws=20_000)
    assert p == pytest.approx(2 / 8, abs=0.02)


def test_a_small_difference_on_the_same_queries_is_seen() -> None:
    base = np.random.default_rng(3).random(1000)
    better = base + 0.01 * (1 + np.random.default_rng(4).standard_normal(1000))
    assert paired_p_value(better - base) == 1 / 2001
    assert paired_p_value(base - base) == 1.0


def test_pieces_change_nothing_that_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).random(100)
    whole = bootstrap_interval(values)
    monkeypatch.setattr(statistics, "ENTRIES_AT_ONCE", 1000)
    assert bootstrap_interval(values) == whole


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="0 queries"):
        bootstrap_interval(np.empty(0))
    with pytest.raises(ValueError, match="no queries"):
        paired_p_value(np.empty(0))
