"""Gradient reversal: what a critic learns behind it, the blocks before it unlearn."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h_BD: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return h_BD.view_as(h_BD)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BD: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient_BD, None


class Reverse(nn.Module):
    """The identity, whose gradient is multiplied by −strength. Shape (B, D) → (B, D).

    Source: Ganin et al. 2016, "Domain-Adversarial Training of Neural Networks", arXiv 1505.07818.
    """

    def __init__(self, *, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, h_BD: Tensor) -> Tensor:
        """Return ``h_BD``."""
        z_BD: Tensor = _Reversed.apply(h_BD, self.strength)  # type: ignore[no-untyped-call]
        return z_BD
