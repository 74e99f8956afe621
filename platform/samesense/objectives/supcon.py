"""Plain supervised contrast, a control that does not know of domains.

Shapes: B items, A anchors of a block, D width.
"""

import torch
from torch import Tensor

from samesense.objectives.anchors import sum_over_anchors
from samesense.objectives.multi_positive import NO_LOGIT


def supcon(z_BD: Tensor, *, concept_B: Tensor, temperature: float | Tensor) -> Tensor:
    """Return the scalar loss over unit vectors.

    L = −1/|B| Σ_i 1/|P(i)| Σ_{p∈P(i)} log( e^{s_ip/τ} / Σ_{a≠i} e^{s_ia/τ} ), where P(i) are the
    other items of i's concept. An item without one adds nothing.

    Source: Khosla et al. 2020, "Supervised Contrastive Learning", L_out.
    """

    def terms(i_A: Tensor, z_BD: Tensor, temperature: Tensor) -> Tensor:
        others_AB = i_A[:, None] != torch.arange(len(z_BD), device=z_BD.device)[None, :]
        logits_AB = (z_BD[i_A] @ z_BD.T / temperature).masked_fill(~others_AB, NO_LOGIT)
        log_share_AB = logits_AB - torch.logsumexp(logits_AB, dim=1, keepdim=True)
        positive_AB = (concept_B[i_A, None] == concept_B[None, :]) & others_AB
        positives_A = positive_AB.sum(dim=1).clamp(min=1)
        return -((positive_AB * log_share_AB).sum(dim=1) / positives_A).sum()

    return sum_over_anchors(terms, z_BD=z_BD, temperature=temperature) / len(z_BD)
