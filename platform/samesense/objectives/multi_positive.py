"""The core loss: supervised contrast in which every domain anchors and weighs the same.

Shapes: B items, A anchors of a block, K domains, D width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from samesense.objectives.anchors import sum_over_anchors

NO_LOGIT = -1e4
"""Stands for minus infinity, whose gradient in a log-sum-exp would not be a number."""


def multi_positive(
    z_BD: Tensor,
    *,
    concept_B: Tensor,
    domain_B: Tensor,
    temperature: float | Tensor,
    own_domain: str = "include",
    same_domain_negative_weight: float = 1.0,
    false_negative_margin: float | None = None,
    anchor: int | None = None,
) -> Tensor:
    """Return the scalar loss over unit vectors ``z_BD``.

    L = −1/|B| Σ_i 1/|D_i| Σ_{d∈D_i} 1/|P_d(i)| Σ_{p∈P_d(i)}
        log( e^{s_ip/τ} / ( e^{s_ip/τ} + Σ_{n: y_n≠y_i} e^{s_in/τ} ) )

    P_d(i) are the other items of i's concept in domain d, D_i the domains where that is not
    empty. An item without a positive adds nothing. Other positives are left out of the
    denominator, so positives do not repel each other (as in decoupled contrastive learning,
    Yeh et al. 2022); the frame is SupCon (Khosla et al. 2020) with positives weighted by domain.

    With an ``anchor`` domain, i goes over the items outside of it, p and n over those in it: the
    single-anchor control, which differs in nothing else.
    """
    inside_B = torch.ones_like(domain_B, dtype=torch.bool) if anchor is None else domain_B == anchor
    asking_B = torch.ones_like(inside_B) if anchor is None else ~inside_B
    member_BK = F.one_hot(torch.unique(domain_B, return_inverse=True)[1]).to(torch.float32)

    def terms(i_A: Tensor, z_BD: Tensor, temperature: Tensor) -> Tensor:
        logits_AB = z_BD[i_A] @ z_BD.T / temperature
        same_concept_AB = concept_B[i_A, None] == concept_B[None, :]
        same_domain_AB = domain_B[i_A, None] == domain_B[None, :]
        others_AB = i_A[:, None] != torch.arange(len(z_BD), device=z_BD.device)[None, :]
        positive_AB = same_concept_AB & others_AB & asking_B[i_A, None] & inside_B[None, :]
        if own_domain == "leave_out":
            positive_AB = positive_AB & ~same_domain_AB
        boost = torch.log(torch.tensor(same_domain_negative_weight)).to(logits_AB)
        negative_AB = (logits_AB + boost * same_domain_AB).masked_fill(
            same_concept_AB | ~inside_B[None, :], NO_LOGIT
        )
        if false_negative_margin is None:
            denominator_AB = torch.logsumexp(negative_AB, dim=1, keepdim=True)
        else:
            limit_AB = logits_AB + false_negative_margin / temperature
            denominator_AB = _logsumexp_up_to(negative_AB, limit_AB)
        weight_AB = _weight_domains_equally(positive_AB, member_BK)
        return (weight_AB * F.softplus(denominator_AB - logits_AB)).sum()

    total = sum_over_anchors(terms, z_BD=z_BD, temperature=temperature)
    return total / asking_B.sum().clamp(min=1)


def _weight_domains_equally(positive_AB: Tensor, member_BK: Tensor) -> Tensor:
    """Return 1 / (|D_i| |P_d(i)|) at every positive, 0 elsewhere."""
    count_AK = positive_AB.to(torch.float32) @ member_BK
    domains_A = (count_AK > 0).sum(dim=1).clamp(min=1)
    per_positive_AB = (1 / count_AK.clamp(min=1)) @ member_BK.T
    return positive_AB * per_positive_AB / domains_A[:, None]


def _logsumexp_up_to(negative_AB: Tensor, limit_AB: Tensor) -> Tensor:
    """For each anchor and positive, sum the negatives whose logit does not exceed the limit."""
    ascending_AB = negative_AB.sort(dim=1).values
    cumulative_AB = torch.logcumsumexp(ascending_AB, dim=1)
    below_AB = torch.searchsorted(ascending_AB.detach(), limit_AB.detach(), right=True)
    padded_AB = F.pad(cumulative_AB, (1, 0), value=NO_LOGIT)
    return padded_AB.gather(1, below_AB)
