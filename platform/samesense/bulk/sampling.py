"""Rows of a collection drawn at random, each with the same chance, in one pass over the ids."""

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from samesense.index.collection import Collection


def sample_rows(
    collection: Collection, *, count: int, seed: int, fields: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return ``count`` rows, or all if there are fewer, with their id and these fields."""
    rng = np.random.default_rng(seed)
    drawn: list[tuple[float, str, dict[str, Any]]] = []
    for page in collection.pages(fields=("id", *fields)):
        # A row with one of the smallest of as many random numbers as there are rows is drawn.
        marks = rng.random(len(page))
        marked = ((-mark, row["id"], row) for mark, row in zip(marks, page, strict=True))
        drawn = heapq.nlargest(count, [*drawn, *marked], key=lambda one: one[:2])
    return [row for _, _, row in sorted(drawn, key=lambda one: one[1])]
