"""CORAL, a control: all domains get the same mean and covariance, whatever they show.

Shapes: B items, D width, K domains.
"""

import torch
from torch import Tensor

from samesense.objectives.groups import averaging, mean_pair_distance


def coral(z_BD: Tensor, *, domain_B: Tensor) -> Tensor:
    """Return the scalar loss over unit vectors; zero for a batch of one domain.

    L = mean over pairs of domains of ‖ μ_d − μ_d' ‖² + ‖ C_d − C_d' ‖²_F, with means μ and unbiased
    covariances C (zero for one item).

    Source: Sun and Saenko 2016, arXiv 1607.01719, as DomainBed trains it. That takes means over
    entries; entries of unit vectors shrink with the width, so these are sums, which is the same for
    entries of order one.
    """
    domains_KB = averaging(domain_B, like=z_BD)
    domain_of_B = torch.unique(domain_B, return_inverse=True)[1]
    mu_KD = domains_KB @ z_BD
    centred_BD = z_BD - mu_KD[domain_of_B]
    count_K = 1 / domains_KB.max(dim=1).values
    unbiased_KB = domains_KB * (count_K / (count_K - 1).clamp(min=1))[:, None]
    covariances_KK = unbiased_KB @ (centred_BD @ centred_BD.T).square() @ unbiased_KB.T
    return mean_pair_distance(mu_KD @ mu_KD.T) + mean_pair_distance(covariances_KK)
