"""Learned rows that stand for classes.

Shapes: C classes, D width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Prototypes(nn.Module):
    """A matrix (C, D), drawn from N(0, 1/D), whose rows are used at unit length."""

    def __init__(self, *, count: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(count, width) / width**0.5)

    def forward(self) -> Tensor:
        """Return the unit rows (C, D)."""
        return F.normalize(self.rows.float(), dim=1)
