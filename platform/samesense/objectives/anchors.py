"""Sums over anchors in the memory of a block of them.

Shapes: B items, A anchors of a block.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

ANCHORS_AT_ONCE = 256


def sum_over_anchors(terms: Callable[[Tensor], Tensor], *, z_BD: Tensor) -> Tensor:
    """Return the sum of ``terms`` over blocks of anchors, given as indices (A,) into ``z_BD``.

    A contrastive loss compares every anchor with all B items, so its intermediate tensors grow
    with B². Of many items they are computed a block at a time, and again in the backward pass.
    """
    blocks = torch.split(torch.arange(len(z_BD), device=z_BD.device), ANCHORS_AT_ONCE)
    if len(blocks) == 1:
        return terms(blocks[0])
    parts = [checkpoint(terms, block_A, use_reentrant=False) for block_A in blocks]
    return torch.stack(parts).sum()
