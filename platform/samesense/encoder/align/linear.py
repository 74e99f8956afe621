"""A linear map that starts as the identity."""

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """z = W h + b with W = I and b = 0 at the start. Shape (B, D) → (B, D)."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(width, width)
        with torch.no_grad():
            nn.init.eye_(self.map.weight)
            nn.init.zeros_(self.map.bias)

    def forward(self, h_BD: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        z_BD: Tensor = self.map(h_BD)
        return z_BD
