"""Sums over anchors, and their gradients, in the memory of a block of them.

Shapes: B items, A anchors of a block, D width.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

PAIRS_AT_ONCE = 1 << 18
"""A MiB for each tensor of float32: all anchors of 512 items, or 64 anchors of 4,096."""


def sum_over_anchors(
    terms: Callable[..., Tensor], *, z_BD: Tensor, temperature: float | Tensor
) -> Tensor:
    """Return the sum of ``terms(i_A, z_BD, temperature)`` over blocks of anchors i.

    A contrastive loss compares every anchor with all B items, so its intermediate tensors grow
    with B². Here a block has its gradient taken before the next one is computed.
    """
    temperature = torch.as_tensor(temperature, dtype=z_BD.dtype, device=z_BD.device)
    total: Tensor = _SumOverAnchors.apply(terms, z_BD, temperature)  # type: ignore[no-untyped-call]
    return total


class _SumOverAnchors(torch.autograd.Function):
    # Checkpointing would do, but torch loads its compiler with it: 70 MiB or more, and seconds.

    @staticmethod
    def forward(
        ctx: Any, terms: Callable[..., Tensor], z_BD: Tensor, temperature: Tensor
    ) -> Tensor:
        leaves = [t.detach().requires_grad_(t.requires_grad) for t in (z_BD, temperature)]
        total = z_BD.new_zeros(())
        for i_A in _blocks(z_BD):
            with torch.enable_grad():
                block = terms(i_A, *leaves)
            if block.requires_grad:
                torch.autograd.backward(block)
            total += block.detach()
        ctx.save_for_backward(*(leaf.grad for leaf in leaves))
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(None if g is None else gradient * g for g in ctx.saved_tensors)


def _blocks(z_BD: Tensor) -> Sequence[Tensor]:
    anchors_at_once = max(1, PAIRS_AT_ONCE // len(z_BD))
    return torch.split(torch.arange(len(z_BD), device=z_BD.device), anchors_at_once)
