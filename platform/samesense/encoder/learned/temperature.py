"""A learned temperature for contrastive losses."""

import math

import torch
from torch import Tensor, nn


class Temperature(nn.Module):
    """τ = exp(−s) with a trained s, never below ``lowest``.

    Source: Radford et al. 2021, "Learning Transferable Visual Models", which trains the logarithm
    of 1/τ and clamps it at ln 100.
    """

    def __init__(self, *, initial: float, lowest: float) -> None:
        super().__init__()
        # One entry, not none: without ZeRO, DeepSpeed fails to clip a gradient of no dimension.
        self.logit_scale = nn.Parameter(torch.tensor([-math.log(initial)]))
        self.highest_scale = -math.log(lowest)

    def forward(self) -> Tensor:
        """Return the scalar τ."""
        return torch.exp(-self.logit_scale.clamp(max=self.highest_scale))[0]
