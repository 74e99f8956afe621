"""Exact rankings of many queries in a large gallery, in memory that does not grow with either.

A similarity is the product of two vectors; of unit vectors, their cosine. Items of equal similarity
rank in the order of the gallery. Items with the query's own key are left out, as a query is never
its own answer: they rank last, with similarity −∞, and are relevant to nothing.

Shapes: Q queries, G gallery items, D width, K answers, B queries and R gallery items of a block,
P pairs of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Keys = NDArray[Any]
Pairs = NDArray[np.int64]
QUERIES_AT_ONCE, GALLERY_AT_ONCE = 1024, 8192
ENTRIES_AT_ONCE = 1 << 24
"""Similarities of whole galleries that are held together."""
LOW_BITS = 0xFFFFFFFF
NOTHING = np.empty(0, dtype=np.int64)
NO_PAIR = np.iinfo(np.int64).min
TURNED = np.int32(0x7FFFFFFF)


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
    pairs_QK = np.empty((len(query_QD), kept), dtype=np.int64)
    room = np.empty(QUERIES_AT_ONCE * min(GALLERY_AT_ONCE, len(gallery_GD)), dtype=np.float32)
    for start in range(0, len(query_QD), QUERIES_AT_ONCE):
        block = range(start, min(start + QUERIES_AT_ONCE, len(query_QD)))
        left_out = [(query - start, row) for query in block for row in own(query)]
        pairs_QK[block.start : block.stop] = _first_of_block(
            query_QD[block.start : block.stop],
            gallery_GD,
            k=kept,
            room=room,
            left_out_P2=np.array(left_out, dtype=np.int64).reshape(-1, 2),
        )
    return FirstAnswers(LOW_BITS - (pairs_QK & LOW_BITS), _as_float(pairs_QK >> 32))


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


def _first_of_block(
    query_BD: Vectors,
    gallery_GD: Vectors,
    *,
    k: int,
    room: NDArray[np.float32],
    left_out_P2: NDArray[np.int64],
) -> Pairs:
    """Return pairs of similarity and gallery row as one number each (B, k), greatest first.

    ``room`` is where products go, one after the other: fresh memory costs a fifth of a product.
    """
    best_BK = np.full((len(query_BD), k), NO_PAIR)
    least_B = np.empty(0, dtype=np.float32)
    waiting: list[tuple[NDArray[np.int64], Pairs]] = []
    for start in range(0, len(gallery_GD), GALLERY_AT_ONCE):
        part_RD = gallery_GD[start : start + GALLERY_AT_ONCE]
        shape = (len(query_BD), len(part_RD))
        similarity_BR = np.matmul(query_BD, part_RD.T, out=room[: math.prod(shape)].reshape(shape))
        row_P, column_P = left_out_P2.T
        inside = (column_P >= start) & (column_P < start + similarity_BR.shape[1])
        similarity_BR[row_P[inside], column_P[inside] - start] = -np.inf
        # A NaN is less than nothing, so it is looked at and refused.
        if start == 0:
            width = min(k, similarity_BR.shape[1])
            beaten_BR = similarity_BR < np.partition(similarity_BR, -width, axis=1)[:, [-width]]
        else:
            # Where there are fewer than k answers yet, the least is NaN, and beats nothing.
            beaten_BR = similarity_BR <= least_B[:, None]
        places = np.flatnonzero(~beaten_BR)
        rows, columns = np.divmod(places, similarity_BR.shape[1])
        waiting.append((rows, _pairs(similarity_BR.ravel()[places], columns + start)))
        if start == 0 or sum(len(rows) for rows, _ in waiting) > best_BK.size:
            best_BK = _merged(best_BK, waiting)
            least_B, waiting = _as_float(best_BK[:, 0] >> 32), []
    return np.sort(_merged(best_BK, waiting), axis=1)[:, ::-1]


def _merged(best_BK: Pairs, waiting: Sequence[tuple[NDArray[np.int64], Pairs]]) -> Pairs:
    """Return the best of what was best and what waits (B, K), the least of them first."""
    tables = [best_BK]
    for rows, pairs in waiting:
        counts_B = np.bincount(rows, minlength=len(best_BK))
        first_B = counts_B.cumsum() - counts_B
        table = np.full((len(best_BK), counts_B.max()), NO_PAIR)
        table[rows, np.arange(len(rows)) - first_B[rows]] = pairs
        tables.append(table)
    k = best_BK.shape[1]
    return np.partition(np.concatenate(tables, axis=1), -k, axis=1)[:, -k:]


def _pairs(similarity_P: NDArray[np.float32], column_P: NDArray[np.int64]) -> Pairs:
    """Return whole numbers that rank as the pairs do: by similarity, then by the gallery's order.

    The bits of a float rank as a whole number does, but for the negative ones, which are turned.
    """
    _refuse_nan(similarity_P)
    bits_P = (similarity_P + np.float32(0)).view(np.int32)  # minus zero is zero
    ordered_P = (bits_P ^ ((bits_P >> 31) & TURNED)).astype(np.int64)
    return (ordered_P << 32) | (LOW_BITS - column_P)


def _as_float(ordered: NDArray[np.int64]) -> NDArray[np.float32]:
    narrow = ordered.astype(np.int32)
    return (narrow ^ ((narrow >> 31) & TURNED)).view(np.float32)


def _refuse_nan(similarity: NDArray[np.float32]) -> None:
    if np.isnan(similarity).any():
        raise ValueError("similarity holds NaN, which has no place in a ranking")
