"""Validation on the training domains: the held-out domain has no say in which weights are kept."""

import numpy as np
from numpy.typing import NDArray

from samesense.metrics.ranking import map_at_k


def cross_domain_map(
    z_ND: NDArray[np.float32], *, concept_N: NDArray[np.int64], domain_N: NDArray[np.int64]
) -> float:
    """Return mAP@200 with a domain as queries and the others as gallery, mean over domains."""
    scores = []
    for domain in np.unique(domain_N):
        query, gallery = domain_N == domain, domain_N != domain
        relevant = concept_N[query][:, None] == concept_N[gallery][None, :]
        scores.append(map_at_k(z_ND[query] @ z_ND[gallery].T, relevant, 200))
    return float(np.mean(scores))
