"""The second step: the tower over what is rendered, and nothing else."""

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from samesense.bulk.blocks import Batch, Block
from samesense.bulk.task import EmbedTask
from samesense.core.errors import BulkError, ModelError, SamesenseError

if TYPE_CHECKING:
    from samesense.bulk.steps import EncodeTower
    from samesense.encoder.encoder import Vectors


class EncodeBlock:
    """Hold a model's tower, from the first block on that needs it."""

    def __init__(self, task: EmbedTask, *, device: str) -> None:
        """Say what job it is, and where the tower computes; nothing is loaded yet."""
        self.task, self.device = task, device

    def load(self) -> None:
        """Load the tower now, not with the first block that needs it."""
        _ = self._tower

    def __call__(self, block: Block) -> Block:
        """Return the block with the tower's vectors in the place of the images.

        Raises:
            ModelError: if the tower does not load.
            BulkError: if a forward does not fit into memory.
        """
        if not block.batches:
            return block
        started = time.monotonic()
        block.h_ND = np.concatenate([self._forward(batch) for batch in block.batches])
        block.keys = [key for batch in block.batches for key in batch.keys]
        block.batches = []
        block.cost.encoded = len(block.keys)
        block.cost.seconds["encode"] = time.monotonic() - started
        return block

    def _forward(self, batch: Batch) -> "Vectors":
        tower = self._tower
        try:
            return tower(batch.inputs)
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            raise BulkError(
                f"{self.task.model}: a forward of {len(batch.keys)} images does not fit into the "
                f"memory of {self.device} ({error}). What was finished is kept: lower "
                f"encode.images_per_forward ({self.task.encode.images_per_forward}) and run the "
                "same command again"
            ) from error

    @cached_property
    def _tower(self) -> "EncodeTower":
        from samesense.bulk.steps import EncodeTower

        try:
            return EncodeTower(
                self.task.model,
                view=self.task.view,
                threads=self.task.encode.threads_per_actor or os.cpu_count(),
                device=self.device,
            )
        except SamesenseError:
            raise
        except Exception as error:  # whatever the libraries below meet
            raise ModelError(
                f"{self.task.model}: does not load on {self.device}: "
                f"{type(error).__name__}: {error}"
            ) from error


def _is_out_of_memory(error: Exception) -> bool:
    """Tell memory that is lacking, of a GPU or not: torch has a class of error for GPUs alone."""
    kind, said = type(error).__name__, str(error)
    words = ("allocate memory", "not enough memory")
    return kind in ("MemoryError", "OutOfMemoryError") or any(one in said for one in words)
