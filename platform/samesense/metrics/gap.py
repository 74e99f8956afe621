"""How far domains lie apart in one space, and whether neighbours mix. Shapes: N items, D width,
K domains, C concepts, M neighbours.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from samesense.metrics.blocked import first_answers

Vectors = NDArray[np.float32]
Names = NDArray[np.str_]
NEIGHBOURS = 10


def mean_distance(z_ND: Vectors, *, domain_N: Names) -> float:
    """Return the mean over pairs of domains of ‖μ_a − μ_b‖, μ being a domain's mean vector.

    0 for one domain; at most 2 for unit vectors.
    """
    means = [z_ND[domain_N == name].mean(axis=0, dtype=np.float64) for name in np.unique(domain_N)]
    gaps = [float(np.linalg.norm(a - b)) for a, b in combinations(means, 2)]
    return float(np.mean(gaps)) if gaps else 0.0


def neighbour_mixing(z_ND: Vectors, *, domain_N: Names, neighbours: int = NEIGHBOURS) -> float:
    """Return how many of an item's nearest neighbours are of other domains, over what chance gives.

    0 where every neighbour is of the item's own domain, 1 where domains are mixed as if at random.
    Chance is the share of other domains among the other items. 0 for one domain.
    """
    near_NM = _neighbours(z_ND, neighbours)
    other_N = (domain_N[near_NM] != domain_N[:, None]).mean(axis=1)
    names, counts = np.unique(domain_N, return_counts=True)
    if len(names) < 2:
        return 0.0
    size_N = dict(zip(names.tolist(), counts.tolist(), strict=True))
    chance = [(len(domain_N) - size_N[name]) / (len(domain_N) - 1) for name in domain_N.tolist()]
    return float(other_N.mean() / np.mean(chance))


def hubness(z_ND: Vectors, *, neighbours: int = NEIGHBOURS) -> float:
    """Return the skewness of how often an item is among the nearest of others (Radovanović et al.,
    JMLR 2010): 0 where all are equally often, large where a few hubs answer everything.
    """
    times_N = np.bincount(_neighbours(z_ND, neighbours).ravel(), minlength=len(z_ND))
    spread = float(times_N.std())
    return float(((times_N - times_N.mean()) ** 3).mean() / spread**3) if spread else 0.0


def domain_cka(z_ND: Vectors, *, domain_N: Names, label_N: Names) -> float | None:
    """Return the mean over pairs of domains of the linear CKA of their concept means (Kornblith et
    al., ICML 2019): ‖X_aᵀ X_b‖² / (‖X_aᵀ X_a‖ ‖X_bᵀ X_b‖), with X (C, D) centred over concepts.

    1 where concepts lie towards each other in the same way in both domains; ``None`` where no
    two domains share two concepts.
    """
    values = []
    for a, b in combinations(np.unique(domain_N), 2):
        shared = np.intersect1d(label_N[domain_N == a], label_N[domain_N == b])
        if len(shared) < 2:
            continue
        a_CD, b_CD = (
            _centred([z_ND[(domain_N == domain) & (label_N == label)] for label in shared])
            for domain in (a, b)
        )
        own = np.linalg.norm(a_CD.T @ a_CD) * np.linalg.norm(b_CD.T @ b_CD)
        values.append(float(np.linalg.norm(a_CD.T @ b_CD) ** 2 / own) if own else 0.0)
    return float(np.mean(values)) if values else None


def _centred(groups: list[Vectors]) -> NDArray[np.float64]:
    means_CD = np.stack([group.mean(axis=0, dtype=np.float64) for group in groups])
    centred_CD: NDArray[np.float64] = means_CD - means_CD.mean(axis=0)
    return centred_CD


def _neighbours(z_ND: Vectors, neighbours: int) -> NDArray[np.int64]:
    """Return the nearest other items (N, M) of each."""
    number_N = np.arange(len(z_ND))
    nearest = first_answers(z_ND, gallery_GD=z_ND, k=neighbours + 1, key_Q=number_N, key_G=number_N)
    # The item itself ranks last of all, so it is there only where there are no more others.
    return nearest.gallery_QK[:, : min(neighbours, len(z_ND) - 1)]
