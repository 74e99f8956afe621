"""What a step was like: its time, memory, temperatures, and how its vectors lie.

Times are measured at every step, for a few microseconds. Alignment and uniformity take all pairs
of the global batch and are measured at every tenth step.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import psutil
import torch
from torch import Tensor

from samesense.metrics.geometry import alignment, uniformity
from samesense.objectives.gather import gather_rows
from samesense.objectives.options import Loss
from samesense.training.feed import Batch

GEOMETRY_EVERY_STEPS = 10
MIB = 1 << 20


class Meter:
    """Times a step, and how much of it went by in waiting for batches."""

    def __init__(self, *, images_per_step: int) -> None:
        """``images_per_step`` counts the items of all ranks."""
        self._images = images_per_step
        self._process = psutil.Process()
        self.start()

    def start(self) -> None:
        """Begin a step."""
        self._started = time.perf_counter()
        self._waited_s = 0.0

    def timed(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the batches, and add up the waiting for them."""
        iterator = iter(batches)
        while True:
            asked = time.perf_counter()
            batch = next(iterator, None)
            self._waited_s += time.perf_counter() - asked
            if batch is None:
                return
            yield batch

    def read(self) -> dict[str, float]:
        """Return time and memory of the step that ends now."""
        step_s = time.perf_counter() - self._started
        used = {
            "data_wait_share": self._waited_s / step_s,
            "images_per_s": self._images / step_s,
            "memory_mib": self._process.memory_info().rss / MIB,
        }
        if torch.cuda.is_available():
            used["gpu_memory_mib"] = torch.cuda.max_memory_allocated() / MIB
        return used


def term_names(losses: Sequence[Loss]) -> list[str]:
    """Return ``loss/KIND`` for each loss, numbered where a kind comes again."""
    kinds = [loss.kind for loss in losses]
    before = [kinds[:place].count(kind) for place, kind in enumerate(kinds)]
    return [f"loss/{kind}{f'_{n + 1}' * (n > 0)}" for kind, n in zip(kinds, before, strict=True)]


def described(
    tensors: Mapping[str, Tensor],
    *,
    concept_B: Tensor,
    domain_B: Tensor,
    view: str | None,
    step: int,
) -> dict[str, float | None]:
    """Return the temperatures, and at every tenth step alignment and uniformity of ``view``.

    ``tensors`` and labels are those of this rank's whole share of a step. Every rank must call it
    at the same steps.
    """
    said: dict[str, float | None] = {
        f"temperature/{name}": float(tensor.detach())
        for name, tensor in tensors.items()
        if tensor.dim() == 0
    }
    if step % GEOMETRY_EVERY_STEPS == 0 and view is not None and view in tensors:
        z_BD = gather_rows(tensors[view].detach())
        labels = {
            "concept_B": gather_rows(concept_B.to(z_BD.device)),
            "domain_B": gather_rows(domain_B.to(z_BD.device)),
        }
        said["alignment"] = alignment(z_BD, **labels)
        said["uniformity"] = uniformity(z_BD)
    return said
