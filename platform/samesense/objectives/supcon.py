"""Plain supervised contrast, a control that does not know of domains.

Shapes: B items, D width.
"""

import torch
from torch import Tensor

from samesense.objectives.multi_positive import NO_LOGIT


def supcon(z_BD: Tensor, *, concept_B: Tensor, temperature: float | Tensor) -> Tensor:
    """Return the scalar loss over unit vectors.

    L = −1/|B| Σ_i 1/|P(i)| Σ_{p∈P(i)} log( e^{s_ip/τ} / Σ_{a≠i} e^{s_ia/τ} ), where P(i) are the
    other items of i's concept. An item without one adds nothing.

    Source: Khosla et al. 2020, "Supervised Contrastive Learning", L_out.
    """
    self_BB = torch.eye(len(z_BD), dtype=torch.bool, device=z_BD.device)
    logits_BB = (z_BD @ z_BD.T / temperature).masked_fill(self_BB, NO_LOGIT)
    log_share_BB = logits_BB - torch.logsumexp(logits_BB, dim=1, keepdim=True)
    positive_BB = (concept_B[:, None] == concept_B[None, :]) & ~self_BB
    positives_B = positive_BB.sum(dim=1).clamp(min=1)
    return -((positive_BB * log_share_BB).sum(dim=1) / positives_B).mean()
