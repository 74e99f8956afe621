"""Negatives from all ranks, with gradient.

Every rank gathers the whole global batch and computes the same loss of it. Backward sums what
all ranks send to a rank's rows; since data-parallel training then averages the gradients of
the parameters over ranks, and every rank's loss is the whole loss, the result is the
gradient of one process with the joined batch.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient.chunk(dist.get_world_size())[dist.get_rank()]


def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all ranks in rank order; (B, …) → (world size · B, …).

    Every rank must bring the same number of rows. Without a process group, or alone in it,
    the rows come back as they are.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return rows
    gathered: Tensor = _GatherRows.apply(rows)  # type: ignore[no-untyped-call]
    return gathered
