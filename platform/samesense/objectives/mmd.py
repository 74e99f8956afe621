"""Maximum mean discrepancy, a control: all domains get the same distribution.

Shapes: B items, D width, K domains.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from samesense.objectives.groups import averaging, mean_pair_distance


def mmd(z_BD: Tensor, *, domain_B: Tensor, gammas: Sequence[float]) -> Tensor:
    """Return the scalar loss over unit vectors; zero for a batch of one domain.

    L = mean over pairs of domains of k(d, d) + k(d', d') − 2 k(d, d'), where k(a, b) is the mean
    over items of both of 1/|Γ| Σ_γ exp(−γ ‖ z_i − z_j ‖²).

    Source: Gretton et al. 2012, "A Kernel Two-Sample Test"; as a training loss Li et al. 2018,
    "Domain Generalization with Adversarial Feature Learning".
    """
    domains_KB = averaging(domain_B, like=z_BD)
    own_B = z_BD.square().sum(dim=1)
    distance_BB = (own_B[:, None] + own_B[None, :] - 2 * z_BD @ z_BD.T).clamp(min=0)
    kernel_BB = torch.stack([torch.exp(-gamma * distance_BB) for gamma in gammas]).mean(dim=0)
    return mean_pair_distance(domains_KB @ kernel_BB @ domains_KB.T)
