"""Blocks of an evaluation's queries, scored by all CPUs of the cluster at once."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import ray

Score = TypeVar("Score")
RESTARTS = 2


def on_workers(function: Callable[[range], Score], blocks: Sequence[range]) -> Iterable[Score]:
    """Return what ``map`` would: the function's results in the order of the blocks.

    Each block is a Ray task of one CPU. What the function holds, such as vectors, is sent to each
    node once and shared by its tasks. One block alone stays in this process, as do all where there
    is one CPU. Ray must be running.
    """
    if len(blocks) < 2 or ray.cluster_resources().get("CPU", 1) < 2:
        return map(function, blocks)
    there = ray.put(function)
    work = ray.remote(num_cpus=1, max_retries=RESTARTS)(_call)
    found: list[Score] = ray.get([work.remote(there, block) for block in blocks])
    return found


def _call(function: Callable[[range], Score], block: range) -> Score:
    return function(block)
