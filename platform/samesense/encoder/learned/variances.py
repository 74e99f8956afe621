"""A learned variance for every entry of a vector.

Shapes: D width.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LOWEST = 1e-5


class Variances(nn.Module):
    """σ² = softplus(b) + 1e-5 with a trained b of shape (D,).

    Source: the variance encoder of MIRO (Cha et al. 2022, arXiv 2203.10789).
    """

    def __init__(self, *, width: int, initial: float) -> None:
        super().__init__()
        start = math.log(math.expm1(initial - LOWEST))
        self.inverse_softplus = nn.Parameter(torch.full((width,), start))

    def forward(self) -> Tensor:
        """Return the variances (D,)."""
        return F.softplus(self.inverse_softplus.float()) + LOWEST
