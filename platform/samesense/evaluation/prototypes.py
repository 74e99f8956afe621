"""A concept's mean vector. Shapes: N items, C concepts, D width."""

import numpy as np
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded


def concept_prototypes(items: Embedded) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Return the concepts' names, sorted, and the unit mean vector of each (C, D).

    A concept's domains weigh the same in its mean, whichever has more images.
    """
    label_N, domain_N = (
        items.manifest.column(name).astype(np.str_) for name in ("label", "domain")
    )
    names = np.unique(label_N)
    prototypes = []
    for name in names:
        domains = np.unique(domain_N[label_N == name])
        means = [
            items.z_ND[(label_N == name) & (domain_N == domain)].mean(axis=0) for domain in domains
        ]
        mean = np.mean(means, axis=0)
        prototypes.append(mean / max(float(np.linalg.norm(mean)), np.finfo(np.float32).tiny))
    return names, np.stack(prototypes)
