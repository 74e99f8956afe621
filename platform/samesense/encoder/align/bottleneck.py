"""The bottleneck that the residual and the gated module add to the vector."""

from torch import Tensor, nn


class Bottleneck(nn.Module):
    """f(h) = W_up GELU(W_down LN(h)), zero at the start because W_up is. (B, D) → (B, D).

    Source: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP".
    """

    def __init__(self, *, width: int, rank: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, rank)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.up = nn.Linear(rank, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, h_BD: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        f_BD: Tensor = self.up(self.dropout(self.activation(self.down(self.norm(h_BD)))))
        return f_BD
