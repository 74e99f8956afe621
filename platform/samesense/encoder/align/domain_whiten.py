"""Closed-form removal of what tells domains apart: a baseline that is fitted, not trained.

Shapes: B items, N fitted items, D width, K domains.
"""

import torch
from torch import Tensor, nn

NEGLIGIBLE = 1e-6
"""Directions are dropped whose share of the largest singular value is smaller than this."""


class DomainWhiten(nn.Module):
    """z = h W + b, the identity until it is fitted. Shape (B, D) → (B, D).

    ``remove``: with μ_d the mean of domain d, μ the mean of these means and the columns of V an
    orthonormal basis of all μ_d − μ, z = h − (h − μ) V Vᵀ. Every domain then has the same mean, and
    the subspace in which the means differed is constant.
    ``pca``: z = (h − m) Σ^(−1/2) with the mean m and the covariance Σ of all items, shrunk as
    (1 − s) Σ + s tr(Σ)/D · I (Ledoit and Wolf 2004), which fewer items than entries need.
    """

    def __init__(self, *, width: int, variant: str, shrinkage: float) -> None:
        super().__init__()
        self.variant = variant
        self.shrinkage = shrinkage
        self.map: Tensor
        self.shift: Tensor
        self.register_buffer("map", torch.eye(width))
        self.register_buffer("shift", torch.zeros(width))

    def forward(self, h_BD: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        return h_BD @ self.map + self.shift

    @torch.no_grad()
    def fit(self, h_ND: Tensor, *, domain_N: Tensor) -> None:
        """Work out map and shift from vectors and the domains they come from."""
        h_ND = h_ND.double()
        if self.variant == "remove":
            map_DD, centre_D = _without_domain_means(h_ND, domain_N)
            shift_D = centre_D - centre_D @ map_DD
        else:
            map_DD, centre_D = _whitening(h_ND, self.shrinkage)
            shift_D = -centre_D @ map_DD
        self.map.copy_(map_DD)
        self.shift.copy_(shift_D)


def _without_domain_means(h_ND: Tensor, domain_N: Tensor) -> tuple[Tensor, Tensor]:
    mu_KD = torch.stack([h_ND[domain_N == d].mean(dim=0) for d in torch.unique(domain_N)])
    centre_D = mu_KD.mean(dim=0)
    _, singular_K, directions_KD = torch.linalg.svd(mu_KD - centre_D, full_matrices=False)
    kept_KD = directions_KD[singular_K > NEGLIGIBLE * singular_K.max()]
    identity_DD = torch.eye(h_ND.shape[1], dtype=h_ND.dtype, device=h_ND.device)
    return identity_DD - kept_KD.T @ kept_KD, centre_D


def _whitening(h_ND: Tensor, shrinkage: float) -> tuple[Tensor, Tensor]:
    centre_D = h_ND.mean(dim=0)
    covariance_DD = torch.cov(h_ND.T, correction=0)
    variance_D, directions_DD = torch.linalg.eigh(covariance_DD)
    shrunk_D = (1 - shrinkage) * variance_D.clamp(min=0) + shrinkage * variance_D.mean()
    return directions_DD @ torch.diag(shrunk_D.rsqrt()) @ directions_DD.T, centre_D
