"""The batch plan: which items form which global step, known before training starts.

A plan is a pure function of the items' concepts and domains, the sampler, the seed and the
epoch. So every rank takes the same number of steps, any number of workers sees the same global
batches, and a run can continue at any step.

Shapes: N items, S steps, B items of a global step.
"""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from samesense.core.errors import Fault, TrainingError
from samesense.recipe.options import BalancedSamplerOptions, Sampler, ShuffledSamplerOptions

Indices = NDArray[np.int64]


def plan_steps(
    sampler: Sampler, *, concept_N: Indices, domain_N: Indices, seed: int, first: int, last: int
) -> Indices:
    """Return the item indices (S, B) of the global steps ``first`` ≤ s < ``last``.

    Raises:
        TrainingError: if the items cannot fill one step.
    """
    per_epoch = steps_per_epoch(sampler, concept_N=concept_N, domain_N=domain_N)
    epochs = range(first // per_epoch, (last - 1) // per_epoch + 1)
    plans = [
        plan_epoch(sampler, concept_N=concept_N, domain_N=domain_N, seed=seed, epoch=epoch)
        for epoch in epochs
    ]
    start = epochs.start * per_epoch
    return np.concatenate(plans)[first - start : last - start]


def items_per_step(sampler: Sampler, *, domain_N: Indices) -> int:
    """Return B, the number of items of a global step."""
    match sampler:
        case ShuffledSamplerOptions():
            return sampler.items_per_step
        case BalancedSamplerOptions():
            domains = len(np.unique(domain_N))
            return sampler.concepts_per_step * domains * sampler.images_per_concept_and_domain


def steps_per_epoch(sampler: Sampler, *, concept_N: Indices, domain_N: Indices) -> int:
    """Return how many full global steps the items make.

    Raises:
        TrainingError: if they do not make one.
    """
    batch = items_per_step(sampler, domain_N=domain_N)
    concepts = len(np.unique(concept_N))
    if isinstance(sampler, BalancedSamplerOptions):
        if sampler.concepts_per_step > concepts:
            message = (
                f"{sampler.concepts_per_step} concepts a step, but training has {concepts}; "
                f"take at most {concepts}"
            )
            raise TrainingError(Fault(("sampler", "concepts_per_step"), message))
        return max(1, len(concept_N) // batch)
    if len(concept_N) < batch:
        message = f"{batch} items a step, but training has {len(concept_N)}; take fewer"
        raise TrainingError(Fault(("sampler", "items_per_step"), message))
    return len(concept_N) // batch


def plan_epoch(
    sampler: Sampler, *, concept_N: Indices, domain_N: Indices, seed: int, epoch: int
) -> Indices:
    """Return the item indices (S, B) of one epoch.

    Raises:
        TrainingError: if the items cannot fill one step.
    """
    steps = steps_per_epoch(sampler, concept_N=concept_N, domain_N=domain_N)
    rng = np.random.default_rng([seed, epoch])
    match sampler:
        case ShuffledSamplerOptions():
            order_N = rng.permutation(len(concept_N))
            return order_N[: steps * sampler.items_per_step].reshape(steps, -1)
        case BalancedSamplerOptions():
            return _balanced(sampler, concept_N, domain_N, steps, rng)


def _balanced(
    sampler: BalancedSamplerOptions,
    concept_N: Indices,
    domain_N: Indices,
    steps: int,
    rng: np.random.Generator,
) -> Indices:
    domains = [int(d) for d in np.unique(domain_N)]
    concepts = np.unique(concept_N)
    cells = {
        (int(c), d): _endless(np.flatnonzero((concept_N == c) & (domain_N == d)), rng)
        for c in concepts
        for d in domains
        if np.any((concept_N == c) & (domain_N == d))
    }
    concept_order = _endless(concepts, rng)
    return np.array(
        [_balanced_step(sampler, domains, cells, concept_order) for _ in range(steps)],
        dtype=np.int64,
    )


def _balanced_step(
    sampler: BalancedSamplerOptions,
    domains: list[int],
    cells: dict[tuple[int, int], Iterator[int]],
    concept_order: Iterator[int],
) -> list[int]:
    """Take the next concepts; a domain without a concept is filled from those that have it."""
    batch: list[int] = []
    for concept in _distinct(concept_order, sampler.concepts_per_step):
        having = [d for d in domains if (concept, d) in cells]
        for position, domain in enumerate(domains):
            source = domain if domain in having else having[position % len(having)]
            cell = cells[concept, source]
            batch += [next(cell) for _ in range(sampler.images_per_concept_and_domain)]
    return batch


def _endless(values: Indices, rng: np.random.Generator) -> Iterator[int]:
    """Yield the values in random order, all of them before any comes again."""
    return chain.from_iterable(rng.permutation(values).tolist() for _ in iter(int, 1))


def _distinct(values: Iterator[int], count: int) -> list[int]:
    """Take ``count`` different values; one that comes twice across a reshuffle waits its turn."""
    taken: dict[int, None] = {}
    while len(taken) < count:
        taken.setdefault(next(values))
    return list(taken)
