"""Low-rank experts, chosen by the vector itself. Shapes: B items, D width, E experts, R rank."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Experts(nn.Module):
    """z = h + Σ_e g_e U_e V_e LN(h), g = softmax_e(cos(LN(h), p_e) / τ). (B, D) → (B, D).

    Each expert is a linear map of rank R, and the prototype p_e says for which vectors it stands.
    All experts are computed and weighed, so none can starve for want of vectors, and no domain
    has to be known. U starts at zero, so the module starts as the identity.

    Source: the idea of "MoE²: A Mixture-of-Mixtures of Experts for Ensemble-Free Domain
    Generalization" (AAAI 2026), which puts an adapter together for each input from low-rank
    experts by routing to prototypes; here it acts on the output vector.
    """

    def __init__(self, *, width: int, experts: int, rank: int, temperature: float) -> None:
        super().__init__()
        self.rank = rank
        self.temperature = temperature
        self.norm = nn.LayerNorm(width)
        self.prototypes_ED = nn.Parameter(torch.randn(experts, width))
        self.down = nn.Linear(width, experts * rank, bias=False)
        self.up = nn.Linear(experts * rank, width, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, h_BD: Tensor) -> Tensor:
        """Map (B, D) to (B, D)."""
        x_BD = self.norm(h_BD)
        inner_BER = self.down(x_BD).unflatten(1, (-1, self.rank))
        weighed_BER = self.gates(x_BD).unsqueeze(2) * inner_BER
        z_BD: Tensor = h_BD + self.up(weighed_BER.flatten(1))
        return z_BD

    def gates(self, x_BD: Tensor) -> Tensor:
        """Return the share of each expert (B, E) for normalised vectors; a row sums to one."""
        cosine_BE = F.normalize(x_BD, dim=1) @ F.normalize(self.prototypes_ED, dim=1).T
        return torch.softmax(cosine_BE / self.temperature, dim=1)
