"""The batch plan is a pure function, balanced, and the same for any number of workers."""

import numpy as np
import pytest

from samesense.core.errors import TrainingError
from samesense.recipe.options import BalancedSamplerOptions, ShuffledSamplerOptions
from samesense.training.plan import items_per_step, plan_epoch, plan_steps, steps_per_epoch

BALANCED = BalancedSamplerOptions(
    kind="concepts_by_domains", concepts_per_step=2, images_per_concept_and_domain=3
)
SHUFFLED = ShuffledSamplerOptions(kind="shuffled", items_per_step=10)


def corpus(concepts: int = 4, domains: int = 3, each: int = 7) -> dict[str, np.ndarray]:
    grid = np.indices((concepts, domains, each)).reshape(3, -1)
    return {"concept_N": grid[0].astype(np.int64), "domain_N": grid[1].astype(np.int64)}


def test_every_step_holds_the_same_concepts_in_every_domain() -> None:
    items = corpus()
    plan = plan_epoch(BALANCED, **items, seed=1, epoch=0)
    assert plan.shape == (84 // 18, 18)
    for step in plan:
        cells = set(zip(items["concept_N"][step], items["domain_N"][step], strict=True))
        assert len({c for c, _ in cells}) == 2
        assert len(cells) == 2 * 3
        assert len(set(step.tolist())) == 18


def test_a_concept_that_a_domain_lacks_is_filled_from_the_domains_that_have_it() -> None:
    items = corpus()
    keep = ~((items["concept_N"] == 0) & (items["domain_N"] == 2))
    items = {name: values[keep] for name, values in items.items()}
    plan = plan_epoch(BALANCED, **items, seed=1, epoch=0)
    assert plan.shape[1] == 18
    assert all(len(np.unique(items["concept_N"][step])) == 2 for step in plan)


def test_the_plan_is_a_pure_function_and_differs_by_epoch_and_seed() -> None:
    items = corpus()
    first = plan_epoch(BALANCED, **items, seed=1, epoch=3)
    assert np.array_equal(first, plan_epoch(BALANCED, **items, seed=1, epoch=3))
    assert not np.array_equal(first, plan_epoch(BALANCED, **items, seed=1, epoch=4))
    assert not np.array_equal(first, plan_epoch(BALANCED, **items, seed=2, epoch=3))


@pytest.mark.parametrize("sampler", [BALANCED, SHUFFLED])
def test_a_run_may_start_at_any_step(sampler: BalancedSamplerOptions) -> None:
    items = corpus()
    whole = plan_steps(sampler, **items, seed=5, first=0, last=30)
    for first in (0, 1, 7, 29):
        part = plan_steps(sampler, **items, seed=5, first=first, last=30)
        assert np.array_equal(part, whole[first:])


def test_a_shuffled_epoch_shows_every_item_once() -> None:
    items = corpus(each=10)
    plan = plan_epoch(SHUFFLED, **items, seed=0, epoch=0)
    assert sorted(plan.reshape(-1).tolist()) == list(range(120))


def test_a_balanced_run_shows_every_image_before_it_repeats_within_a_cell() -> None:
    items = corpus(concepts=2, domains=2, each=12)
    sampler = BalancedSamplerOptions(
        kind="concepts_by_domains", concepts_per_step=2, images_per_concept_and_domain=3
    )
    plan = plan_epoch(sampler, **items, seed=0, epoch=0)
    assert sorted(plan.reshape(-1).tolist()) == list(range(48))


def test_sizes() -> None:
    items = corpus()
    assert items_per_step(BALANCED, domain_N=items["domain_N"]) == 18
    assert items_per_step(SHUFFLED, domain_N=items["domain_N"]) == 10
    assert steps_per_epoch(SHUFFLED, **items) == 8


def test_a_step_larger_than_the_corpus_is_refused() -> None:
    items = corpus(concepts=1, domains=2, each=2)
    with pytest.raises(TrainingError, match="2 concepts a step, but training has 1"):
        plan_steps(BALANCED, **items, seed=0, first=0, last=1)
    with pytest.raises(TrainingError, match="10 items a step, but training has 4"):
        plan_steps(SHUFFLED, **items, seed=0, first=0, last=1)
