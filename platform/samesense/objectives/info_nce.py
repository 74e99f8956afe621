"""InfoNCE between two views of the same items.

Shapes: B items, D width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def info_nce(
    query_BD: Tensor,
    *,
    candidate_BD: Tensor,
    temperature: Tensor,
    concept_B: Tensor,
    domain_B: Tensor,
    direction: str = "symmetric",
    positives: str = "pair",
) -> Tensor:
    """Return the scalar loss over unit vectors; zero for a batch of one item.

    L = −1/B Σ_i Σ_j t_ij log softmax_j( q_i · c_j / τ ), where the targets t_i are the item's
    own candidate (``pair``) or, in equal shares, all candidates of its concept (``concept``) or of
    its concept in its domain (``concept_in_domain``).
    ``symmetric`` is the mean of both directions (Radford et al. 2021, CLIP).
    """
    logits_BB = query_BD @ candidate_BD.T / temperature
    target_BB = _targets(positives, concept_B=concept_B, domain_B=domain_B)
    forward = F.cross_entropy(logits_BB, target_BB / target_BB.sum(dim=1, keepdim=True))
    if direction == "query_to_candidate":
        return forward
    backward = F.cross_entropy(logits_BB.T, target_BB.T / target_BB.T.sum(dim=1, keepdim=True))
    return (forward + backward) / 2


def _targets(positives: str, *, concept_B: Tensor, domain_B: Tensor) -> Tensor:
    if positives == "pair":
        return torch.eye(len(concept_B), device=concept_B.device)
    same_BB = concept_B[:, None] == concept_B[None, :]
    if positives == "concept_in_domain":
        same_BB &= domain_B[:, None] == domain_B[None, :]
    return same_BB.to(torch.float32)
