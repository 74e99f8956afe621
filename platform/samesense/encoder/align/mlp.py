"""A two-layer perceptron without a skip connection."""

from torch import Tensor, nn


class Mlp(nn.Module):
    """z = W2 GELU(LN(W1 h)), with orthogonal W1 and W2. Shape (B, D) → (B, D).

    Orthogonal weights keep the geometry of the vectors as far as a module without a
    skip connection can.
    """

    def __init__(self, *, width: int, hidden: int) -> None:
        super().__init__()
        first, last = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.layers = nn.Sequential(first, nn.LayerNorm(hidden), nn.GELU(), last)
        for layer in (first, last):
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, h_BD: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        z_BD: Tensor = self.layers(h_BD)
        return z_BD
