"""The gated residual adapter."""

import torch
from torch import Tensor, nn

from samesense.encoder.align.bottleneck import Bottleneck


class Gated(nn.Module):
    """z = h + sigmoid(W_g h) ⊙ f(h), the identity at the start. Shape (B, D) → (B, D).

    Source: Srivastava et al. 2015, "Highway Networks", for the gate.
    """

    def __init__(self, *, width: int, rank: int, dropout: float) -> None:
        super().__init__()
        self.gate = nn.Linear(width, width)
        self.bottleneck = Bottleneck(width=width, rank=rank, dropout=dropout)

    def forward(self, h_BD: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        z_BD: Tensor = h_BD + torch.sigmoid(self.gate(h_BD)) * self.bottleneck(h_BD)
        return z_BD
