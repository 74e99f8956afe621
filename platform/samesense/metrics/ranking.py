"""Ranking metrics of retrieval, as in the reference code of UCDR (ICCV 2021).

Similarities are (Q, G): Q queries, G gallery items; ``relevant`` says with 0 and 1, or false and
true, which items answer which query. Both may be arrays or tensors, of any type of number. Items of
equal similarity rank in the order of the gallery. ``k`` is cut to G; ``None`` means all of the
gallery. ``average_precision_at_k`` gives a value a query; every other metric is the mean of it over
the queries, one number.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Similarity = NDArray[Any] | Tensor
Relevant = NDArray[Any] | Tensor
PerQuery = NDArray[np.float64]


def rank(similarity: Similarity, k: int | None) -> NDArray[np.int64]:
    """Return the gallery indices (Q, min(k, G)) of each query's first k items, best first.

    Raises:
        ValueError: if the similarities are not (Q, G), hold a NaN, or k is not positive.
    """
    similarity_QG = _array(similarity)
    if similarity_QG.ndim != 2:
        raise ValueError(f"similarity must be (queries, gallery), not {similarity_QG.shape}")
    if similarity_QG.dtype.kind != "f":  # whole numbers have no negative of their own type
        similarity_QG = similarity_QG.astype(np.float64)
    if np.isnan(similarity_QG).any():
        raise ValueError("similarity holds NaN, which has no place in a ranking")
    if k is not None and k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    return np.argsort(-similarity_QG, axis=1, kind="stable")[:, :k]


def average_precision_at_k(similarity: Similarity, relevant: Relevant, k: int | None) -> PerQuery:
    """Return AP@k of each query, (Q,).

    AP@k = 1/H Σ_{j≤k} rel_j · (Σ_{i≤j} rel_i) / j, with H = Σ_{j≤k} rel_j; 0 where H = 0.

    Raises:
        ValueError: if the shapes differ or the similarities are no ranking.
    """
    return average_precision(_hits(similarity, relevant, k))


def average_precision(hits_QK: NDArray[np.bool_]) -> PerQuery:
    """Return AP of each query (Q,) from which of its first K answers are relevant, best first."""
    places_K = np.arange(1, hits_QK.shape[1] + 1)
    precision_QK = hits_QK.cumsum(axis=1) / places_K
    found_Q = hits_QK.sum(axis=1)
    return np.where(found_Q > 0, (precision_QK * hits_QK).sum(axis=1) / np.maximum(found_Q, 1), 0.0)


def map_at_k(similarity: Similarity, relevant: Relevant, k: int | None) -> float:
    """Return mAP@k: the mean of AP@k over queries; 0 without queries.

    Raises:
        ValueError: as ``average_precision_at_k``.
    """
    return _mean(average_precision_at_k(similarity, relevant, k))


def precision_at_k(similarity: Similarity, relevant: Relevant, k: int | None) -> float:
    """Return Prec@k: the mean over queries of relevant items among the first k, over min(k, G).

    Raises:
        ValueError: as ``average_precision_at_k``.
    """
    hits_QK = _hits(similarity, relevant, k)
    return float(hits_QK.mean()) if hits_QK.size else 0.0


def hit_at_k(similarity: Similarity, relevant: Relevant, k: int | None) -> float:
    """Return hit@k: the share of queries with any relevant item among the first k.

    Raises:
        ValueError: as ``average_precision_at_k``.
    """
    hits_QK = _hits(similarity, relevant, k)
    return _mean(hits_QK.max(axis=1, initial=False))


def recall_at_k(similarity: Similarity, relevant: Relevant, k: int | None) -> float:
    """Return recall@k: the share of a query's relevant items among its first k, mean over queries.

    A query without a relevant item counts 0.

    Raises:
        ValueError: as ``average_precision_at_k``.
    """
    hits_QK = _hits(similarity, relevant, k)
    all_Q = _truths(relevant).sum(axis=1)
    return _mean(hits_QK.sum(axis=1) / np.maximum(all_Q, 1))


def precision_ceiling_at_k(relevant: Relevant, k: int | None) -> float:
    """Return the highest Prec@k that any ranking could reach: mean of min(R_q, k) / min(k, G)."""
    relevant_QG = _truths(relevant)
    size = relevant_QG.shape[1] if k is None else min(k, relevant_QG.shape[1])
    return _mean(np.minimum(relevant_QG.sum(axis=1), size) / max(size, 1))


def _hits(similarity: Similarity, relevant: Relevant, k: int | None) -> NDArray[np.bool_]:
    relevant_QG = _truths(relevant)
    shape = tuple(np.shape(similarity))
    if shape != relevant_QG.shape:
        raise ValueError(f"similarity {shape} and relevant {relevant_QG.shape} differ in shape")
    return np.take_along_axis(relevant_QG, rank(similarity, k), axis=1)


def _truths(relevant: Relevant) -> NDArray[np.bool_]:
    found_QG = _array(relevant)
    if found_QG.dtype != np.bool_ and not np.isin(found_QG, (0, 1)).all():
        raise ValueError("relevant must hold nothing but 0 and 1, or false and true")
    return found_QG.astype(np.bool_)


def _array(numbers: NDArray[Any] | Tensor) -> NDArray[Any]:
    """Return an array; a tensor may lie on a GPU, carry a gradient or be of a type numpy lacks."""
    if isinstance(numbers, Tensor):
        numbers = numbers.detach().cpu()
        numbers = (numbers.float() if numbers.dtype == torch.bfloat16 else numbers).numpy()
    return np.asarray(numbers)


def _mean(per_query_Q: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    return float(per_query_Q.mean()) if len(per_query_Q) else 0.0
