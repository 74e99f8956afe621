"""Exact rankings of many queries in a large gallery, in memory that does not grow with either.

A similarity is the product of two vectors; of unit vectors, their cosine. Items of equal similarity
rank in the order of the gallery. Items with the query's own key are left out, as a query is never
its own answer: they rank last, with similarity −∞, and are relevant to nothing.

Shapes: Q queries, G gallery items, D width, K answers, B queries and R gallery items of a block,
P pairs of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Vectors = NDArray[np.float32]
Keys = NDArray[Any]
QUERIES_AT_ONCE, GALLERY_AT_ONCE = 1024, 8192
ENTRIES_AT_ONCE = 1 << 24
"""Similarities of whole galleries that are held together."""
LOW_BITS = 0xFFFFFFFF
NOTHING = np.empty(0, dtype=np.int64)
NO_PAIR = torch.iinfo(torch.int64).min


@dataclass(frozen=True)
class FirstAnswers:
    """The first answers of every query, best first."""

    gallery_QK: NDArray[np.int64]
    """Rows of the gallery."""
    similarity_QK: NDArray[np.float32]


def first_answers(
    query_QD: Vectors,
    *,
    gallery_GD: Vectors,
    k: int,
    key_Q: Keys | None = None,
    key_G: Keys | None = None,
) -> FirstAnswers:
    """Return each query's first min(k, G) answers.

    A block of the gallery is multiplied, and only what beats the k-th best so far is looked at.

    Raises:
        ValueError: if k is not positive, or a similarity is NaN.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    kept = min(k, len(gallery_GD))
    if not kept or not len(query_QD):
        nothing = np.empty((len(query_QD), kept))
        return FirstAnswers(nothing.astype(np.int64), nothing.astype(np.float32))
    own = _own(key_Q, key_G)
    parts = []
    for start in range(0, len(query_QD), QUERIES_AT_ONCE):
        block = range(start, min(start + QUERIES_AT_ONCE, len(query_QD)))
        left_out = [(query - start, row) for query in block for row in own(query)]
        parts.append(
            _first_of_block(
                torch.from_numpy(query_QD[block.start : block.stop]),
                gallery=torch.from_numpy(gallery_GD),
                k=kept,
                left_out_P2=torch.tensor(left_out, dtype=torch.int64).reshape(-1, 2),
            )
        )
    pairs_QK = torch.cat(parts)
    column_QK = LOW_BITS - (pairs_QK & LOW_BITS)
    return FirstAnswers(column_QK.numpy(), _as_float(pairs_QK >> 32).numpy())


def average_precision_of_all(
    query_QD: Vectors,
    *,
    gallery_GD: Vectors,
    label_Q: Keys,
    label_G: Keys,
    key_Q: Keys | None = None,
    key_G: Keys | None = None,
) -> NDArray[np.float64]:
    """Return AP@all of each query (Q,): 1/R Σ_j j / place_j over its R relevant items by place.

    Relevant is what has the query's label. Only the places of those are needed, so the similarities
    are sorted as numbers, without their items. A query without a relevant item counts 0.

    Raises:
        ValueError: if a similarity is NaN.
    """
    own = _own(key_Q, key_G)
    rows_of = _rows_of(label_G)
    precision_Q = np.zeros(len(query_QD))
    rows_at_once = max(1, ENTRIES_AT_ONCE // max(len(gallery_GD), 1))
    for start in range(0, len(query_QD), rows_at_once):
        similarity_BG = query_QD[start : start + rows_at_once] @ gallery_GD.T
        _refuse_nan(similarity_BG)
        for place, similarity_G in enumerate(similarity_BG, start=start):
            relevant = rows_of.get(label_Q[place], NOTHING)
            left_out = own(place)
            similarity_G[left_out] = -np.inf
            relevant = np.setdiff1d(relevant, left_out, assume_unique=True)
            precision_Q[place] = _precision(similarity_G, relevant)
    return precision_Q


def _precision(similarity_G: NDArray[np.float32], relevant: NDArray[np.int64]) -> float:
    if not len(relevant):
        return 0.0
    rising_G = np.sort(similarity_G)
    wanted = similarity_G[relevant]
    above = len(rising_G) - np.searchsorted(rising_G, wanted, side="right")
    equal = len(rising_G) - above - np.searchsorted(rising_G, wanted, side="left")
    for tied in np.flatnonzero(equal > 1):
        above[tied] += np.count_nonzero(similarity_G[: relevant[tied]] == wanted[tied])
    places = np.sort(above) + 1
    return float((np.arange(1, len(places) + 1) / places).mean())


def _own(key_Q: Keys | None, key_G: Keys | None) -> Any:
    """Return a function from a query's row to the gallery's rows with its key."""
    if key_Q is None or key_G is None:
        return lambda query: NOTHING
    rows_of = _rows_of(key_G)
    return lambda query: rows_of.get(key_Q[query], NOTHING)


def _rows_of(keys: Keys) -> dict[Any, NDArray[np.int64]]:
    if not len(keys):
        return {}
    order = np.argsort(keys, kind="stable")
    names, starts = np.unique(keys[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


def _first_of_block(query_BD: Tensor, *, gallery: Tensor, k: int, left_out_P2: Tensor) -> Tensor:
    """Return pairs of similarity and gallery row as one number each (B, k), greatest first."""
    best_BK = torch.full((len(query_BD), k), NO_PAIR, dtype=torch.int64)
    least_B = torch.empty(0)
    waiting: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(gallery), GALLERY_AT_ONCE):
        similarity_BR = query_BD @ gallery[start : start + GALLERY_AT_ONCE].T
        row_P, column_P = left_out_P2.T
        inside = (column_P >= start) & (column_P < start + similarity_BR.shape[1])
        similarity_BR[row_P[inside], column_P[inside] - start] = -torch.inf
        # A NaN is less than nothing, so it is looked at and refused.
        if start == 0:
            best = similarity_BR.topk(min(k, similarity_BR.shape[1]), dim=1).values
            beaten_BR = similarity_BR < best[:, -1:]
        else:
            # Where there are fewer than k answers yet, the least is NaN, and beats nothing.
            beaten_BR = similarity_BR <= least_B[:, None]
        places = torch.from_numpy(np.flatnonzero(beaten_BR.logical_not_().numpy()))
        rows, columns = places // similarity_BR.shape[1], places % similarity_BR.shape[1]
        waiting.append((rows, _pairs(similarity_BR.ravel()[places], columns + start)))
        if start == 0 or sum(len(rows) for rows, _ in waiting) > best_BK.numel():
            best_BK, least_B = _merged(best_BK, waiting)
            waiting = []
    return _merged(best_BK, waiting)[0]


def _merged(best_BK: Tensor, waiting: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the best of what was best and what waits, and the least similarity among them."""
    parts = [best_BK]
    for rows, pairs in waiting:
        counts_B = torch.bincount(rows, minlength=len(best_BK))
        first_B = counts_B.cumsum(0) - counts_B
        table = torch.full((len(best_BK), int(counts_B.max())), NO_PAIR, dtype=torch.int64)
        table[rows, torch.arange(len(rows)) - first_B[rows]] = pairs
        parts.append(table)
    best_BK = torch.cat(parts, dim=1).topk(best_BK.shape[1], dim=1, sorted=True).values
    return best_BK, _as_float(best_BK[:, -1] >> 32)


def _pairs(similarity_P: Tensor, column_P: Tensor) -> Tensor:
    """Return whole numbers that rank as the pairs do: by similarity, then by the gallery's order.

    The bits of a float rank as a whole number does, but for the negative ones, which are turned.
    """
    _refuse_nan(similarity_P)
    bits_P = (similarity_P + 0.0).view(torch.int32)  # minus zero is zero
    ordered_P = bits_P ^ ((bits_P >> 31) & 0x7FFFFFFF)
    return (ordered_P.long() << 32) | (LOW_BITS - column_P)


def _as_float(ordered: Tensor) -> Tensor:
    narrow = ordered.to(torch.int32)
    return (narrow ^ ((narrow >> 31) & 0x7FFFFFFF)).view(torch.float32)


def _refuse_nan(similarity: Any) -> None:
    if bool((similarity != similarity).any()):
        raise ValueError("similarity holds NaN, which has no place in a ranking")
