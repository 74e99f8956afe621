"""The learning rate: linear warm-up, then cosine to zero. Weights of losses: a linear rise."""

import pytest

from samesense.objectives.options import PreserveOptions
from samesense.recipe.options import OptimiserOptions
from samesense.training.schedule import learning_rate, loss_weight

OPTIMISER = OptimiserOptions(learning_rate=0.4, warmup_share=0.2)


def rates(steps: int, optimiser: OptimiserOptions = OPTIMISER) -> list[float]:
    return [learning_rate(optimiser, step=step, steps=steps) for step in range(steps)]


def test_ten_steps_by_hand() -> None:
    assert rates(10)[:3] == pytest.approx([0.2, 0.4, 0.4])
    assert rates(10)[6] == pytest.approx(0.2)
    assert rates(10)[9] == pytest.approx(0.4 * (1 - 0.92387953) / 2)


def test_it_rises_then_falls_and_is_never_zero() -> None:
    curve = rates(100)
    assert curve[:20] == sorted(curve[:20])
    assert curve[20:] == sorted(curve[20:], reverse=True)
    assert min(curve) > 0
    assert max(curve) == pytest.approx(0.4)


def test_without_warm_up_and_with_one_step_it_starts_at_its_peak() -> None:
    flat = OptimiserOptions(learning_rate=0.4, warmup_share=0.0)
    assert rates(5, flat)[0] == rates(1)[0] == 0.4


def test_a_weight_rises_over_its_share_of_the_steps() -> None:
    def weights(share: float) -> list[float]:
        on = {"z": "image", "h": "frozen"}
        loss = PreserveOptions(kind="preserve", on=on, weight=0.8, ramp_share=share)
        return [loss_weight(loss, step=step, steps=8) for step in range(8)]

    assert weights(0.5) == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8])
    assert weights(1.0) == pytest.approx([0.1 * n for n in range(1, 9)])
    assert weights(0.0) == [0.8] * 8
