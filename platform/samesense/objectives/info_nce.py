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
    direction: str = "symmetric",
    positives: str = "pair",
) -> Tensor:
    """Return the scalar loss over unit vectors; zero for a batch of one item.

    L = −1/B Σ_i Σ_j t_ij log softmax_j( q_i · c_j / τ ), where the targets t_i are the item's
    own candidate (``pair``) or all candidates of its concept in equal shares (``concept``).
    ``symmetric`` is the mean of both directions (Radford et al. 2021, CLIP).
    """
    logits_BB = query_BD @ candidate_BD.T / temperature
    if positives == "pair":
        target_BB = torch.eye(len(query_BD), device=query_BD.device)
    else:
        target_BB = (concept_B[:, None] == concept_B[None, :]).to(torch.float32)
    forward = F.cross_entropy(logits_BB, target_BB / target_BB.sum(dim=1, keepdim=True))
    if direction == "query_to_candidate":
        return forward
    backward = F.cross_entropy(logits_BB.T, target_BB.T / target_BB.T.sum(dim=1, keepdim=True))
    return (forward + backward) / 2
