"""Learned queries over layers. Shapes: B items, M layers, D width, Q queries, I inner width."""

import math

import torch
from torch import Tensor, nn

from samesense.encoder.align.bottleneck import Bottleneck


class Query(nn.Module):
    """u = h_M + W_o [a_1 … a_Q], z = u + f(u). Shape (B, M·D) → (B, D).

    Query q attends to the states h_1 … h_M of the last token after M layers:
    a_q = Σ_m softmax_m(q · LN(h_m) / √D + b_qm) W_v LN(h_m). The last layer prepares the next word;
    what it drops on the way can be read from the layers before it. W_o and the bottleneck f start
    at zero, so the module starts as the last layer's vector.

    Source: Li et al. 2023, "BLIP-2", for learned queries that cross-attend to a frozen model; the
    key projection is left out, since a learned query can hold it.
    """

    def __init__(
        self, *, width: int, states: int, queries: int, inner: int, rank: int, dropout: float
    ) -> None:
        super().__init__()
        self.width = width
        self.norm = nn.LayerNorm(width)
        self.queries_QD = nn.Parameter(torch.randn(queries, width))
        self.bias_QM = nn.Parameter(torch.zeros(queries, states))
        self.values = nn.Linear(width, inner, bias=False)
        self.out = nn.Linear(queries * inner, width)
        self.bottleneck = Bottleneck(width=width, rank=rank, dropout=dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h_BMD: Tensor) -> Tensor:
        """Map (B, M·D) to (B, D)."""
        h_BMD = h_BMD.reshape(len(h_BMD), -1, self.width)
        x_BMD = self.norm(h_BMD)
        scores_BQM = self.queries_QD @ x_BMD.transpose(1, 2) / math.sqrt(self.width)
        shares_BQM = torch.softmax(scores_BQM + self.bias_QM, dim=2)
        read_BQI = shares_BQM @ self.values(x_BMD)
        u_BD = h_BMD[:, -1] + self.out(read_BQI.flatten(1))
        z_BD: Tensor = u_BD + self.bottleneck(u_BD)
        return z_BD
