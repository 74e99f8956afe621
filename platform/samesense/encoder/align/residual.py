"""The residual adapter."""

from torch import Tensor, nn

from samesense.encoder.align.bottleneck import Bottleneck


class Residual(nn.Module):
    """z = h + a · f(h), the identity at the start. Shape (B, D) → (B, D).

    Source: Gao et al. 2021, "CLIP-Adapter", for an adapter on an output embedding.
    """

    def __init__(self, *, width: int, rank: int, scale: float, dropout: float) -> None:
        super().__init__()
        self.scale = scale
        self.bottleneck = Bottleneck(width=width, rank=rank, dropout=dropout)

    def forward(self, h_BD: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        z_BD: Tensor = h_BD + self.scale * self.bottleneck(h_BD)
        return z_BD
