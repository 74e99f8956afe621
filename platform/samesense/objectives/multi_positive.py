"""The core loss: supervised contrast in which every domain anchors and weighs the same.

Shapes: B items, D width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

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
    logits_BB = z_BD @ z_BD.T / temperature
    same_concept_BB = concept_B[:, None] == concept_B[None, :]
    same_domain_BB = domain_B[:, None] == domain_B[None, :]
    positive_BB = same_concept_BB & ~torch.eye(len(z_BD), dtype=torch.bool, device=z_BD.device)
    if own_domain == "leave_out":
        positive_BB = positive_BB & ~same_domain_BB
    left_out_BB, anchors = same_concept_BB, len(z_BD)
    if anchor is not None:
        inside_B = domain_B == anchor
        positive_BB = positive_BB & ~inside_B[:, None] & inside_B[None, :]
        left_out_BB = same_concept_BB | ~inside_B[None, :]
        anchors = max(1, int((~inside_B).sum()))
    weight_BB = _weight_domains_equally(positive_BB, domain_B)
    boost = torch.log(torch.tensor(same_domain_negative_weight)).to(logits_BB)
    negative_BB = (logits_BB + boost * same_domain_BB).masked_fill(left_out_BB, NO_LOGIT)
    if false_negative_margin is None:
        denominator_BB = torch.logsumexp(negative_BB, dim=1, keepdim=True)
    else:
        limit_BB = logits_BB + false_negative_margin / temperature
        denominator_BB = _logsumexp_up_to(negative_BB, limit_BB)
    return (weight_BB * F.softplus(denominator_BB - logits_BB)).sum() / anchors


def _weight_domains_equally(positive_BB: Tensor, domain_B: Tensor) -> Tensor:
    """Return 1 / (|D_i| |P_d(i)|) at every positive, 0 elsewhere."""
    member_BK = F.one_hot(torch.unique(domain_B, return_inverse=True)[1]).to(torch.float32)
    count_BK = positive_BB.to(torch.float32) @ member_BK
    domains_B = (count_BK > 0).sum(dim=1).clamp(min=1)
    per_positive_BB = (1 / count_BK.clamp(min=1)) @ member_BK.T
    return positive_BB * per_positive_BB / domains_B[:, None]


def _logsumexp_up_to(negative_BB: Tensor, limit_BB: Tensor) -> Tensor:
    """For each anchor and positive, sum the negatives whose logit does not exceed the limit."""
    ascending_BB = negative_BB.sort(dim=1).values
    cumulative_BB = torch.logcumsumexp(ascending_BB, dim=1)
    below_BB = torch.searchsorted(ascending_BB.detach(), limit_BB.detach(), right=True)
    padded_BB = F.pad(cumulative_BB, (1, 0), value=NO_LOGIT)
    return padded_BB.gather(1, below_BB)
