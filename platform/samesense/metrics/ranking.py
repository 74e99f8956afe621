"""Ranking metrics of retrieval (temporary body, replaced below)."""

import numpy as np
from numpy.typing import NDArray


def map_at_k(similarity: NDArray[np.floating], relevant: NDArray[np.bool_], k: int | None) -> float:
    """mAP@k."""
    k = min(k or similarity.shape[1], similarity.shape[1])
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(relevant, order, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, k + 1)
    found = hits.sum(axis=1)
    return float(np.where(found > 0, (precision * hits).sum(axis=1) / np.maximum(found, 1), 0).mean())
