"""Several seeds of one model together: by hand, and what is and is not beyond chance."""

import numpy as np
import pytest

from samesense.evaluation.findings import Finding, findings
from samesense.evaluation.measured import Measured
from samesense.evaluation.results import Row, Summary
from samesense.metrics.statistics import bootstrap_interval, paired_p_value


def measured(
    seed: int, values: list[float], gains: list[float] | None, queries: str = "same"
) -> Measured:
    model = "identity" if gains is None else "gated"
    row = Row("sketch", seed, model, "mAP@200", float(np.mean(values)), "udcdr-clean", 9, 9)
    gain_Q = None if gains is None else np.array(gains)
    return Measured(row, queries, np.array(values), gain_Q)


def test_two_seeds_by_hand() -> None:
    (found,) = findings([measured(0, [0.2, 0.4], [0.1, 0.1]), measured(1, [0.4, 0.8], [0.1, 0.5])])
    assert (found.value.mean, found.value.seeds) == pytest.approx((0.45, 2))
    assert found.value.std == pytest.approx(0.15 * 2**0.5)
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(0.2)
    assert found.gain.std == pytest.approx(0.1 * 2**0.5)
    # Of each query, the mean over the seeds.
    interval = bootstrap_interval(np.array([0.3, 0.6]))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p_value == paired_p_value(np.array([0.1, 0.3]))


def test_seeds_that_asked_different_queries_have_a_spread_and_no_interval() -> None:
    (found,) = findings(
        [measured(0, [0.2, 0.4], [0.1, 0.1], "these"), measured(1, [0.4], [0.1], "those")]
    )
    assert (found.low, found.high, found.p_value) == (None, None, None)
    assert found.value.seeds == 2
    assert not found.beyond_chance


def test_a_model_and_its_backbone_are_two_findings_and_only_one_gains() -> None:
    found = findings([measured(0, [0.2], None), measured(0, [0.4], [0.2])])
    assert [(one.model, one.gain is None) for one in found] == [
        ("identity", True),
        ("gated", False),
    ]


@pytest.mark.parametrize(
    ("gain", "spread", "of_value", "seeds", "p_value", "beyond"),
    [
        (0.1, 0.0, 0.0, 1, 0.01, True),
        (0.1, 0.0, 0.0, 1, 0.05, False),
        (-0.1, 0.05, 0.05, 3, 0.01, True),
        (0.1, 0.11, 0.05, 3, 0.01, False),
        (0.1, 0.05, 0.11, 3, 0.01, False),
        (0.1, 0.0, 0.0, 3, None, False),
    ],
)
def test_beyond_chance_is_beyond_queries_and_seeds(
    gain: float, spread: float, of_value: float, seeds: int, p_value: float | None, beyond: bool
) -> None:
    value, by = Summary(0.5, of_value, seeds), Summary(gain, spread, seeds)
    told = Finding("sketch", "udcdr-clean", "gated", "mAP@200", value, 0.4, 0.6, by, p_value)
    assert told.beyond_chance is beyond
