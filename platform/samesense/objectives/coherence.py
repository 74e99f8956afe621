"""Concept coherence across domains, without an anchor.

Shapes: B items, D width, K domains of one concept.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def coherence(
    z_BD: Tensor,
    *,
    concept_B: Tensor,
    domain_B: Tensor,
    variant: str = "singular_values",
    temperature: float = 0.05,
) -> Tensor:
    """Return the scalar loss over unit vectors: the mean over concepts with K ≥ 2 domain means.

    ``singular_values``: with the unit domain means m_1 … m_K as columns and their singular
    values σ, the cross-entropy of softmax(σ / temperature) against the first; it is smallest
    when all means are one direction (PMRL, arXiv 2507.17343).
    ``pairwise``: the mean of 1 − m_d · m_d' over pairs of domains.
    Zero when no concept of the batch appears in two domains.
    """
    losses = []
    for concept in torch.unique(concept_B):
        mine_B = concept_B == concept
        domains = torch.unique(domain_B[mine_B])
        if len(domains) < 2:
            continue
        means_KD = torch.stack([z_BD[mine_B & (domain_B == d)].mean(dim=0) for d in domains])
        losses.append(_incoherence(F.normalize(means_KD, dim=1), variant, temperature))
    return torch.stack(losses).mean() if losses else z_BD.sum() * 0.0


def _incoherence(m_KD: Tensor, variant: str, temperature: float) -> Tensor:
    if variant == "pairwise":
        upper = torch.triu_indices(len(m_KD), len(m_KD), offset=1)
        return (1 - (m_KD @ m_KD.T)[upper[0], upper[1]]).mean()
    singular_K = torch.linalg.svdvals(m_KD)
    return -F.log_softmax(singular_K / temperature, dim=0)[0]
