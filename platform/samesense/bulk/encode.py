"""The second step: the tower over what is rendered, and nothing else."""

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from samesense.bulk.blocks import Block
from samesense.bulk.task import EmbedTask

if TYPE_CHECKING:
    from samesense.bulk.steps import EncodeTower


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
        """
        if not block.batches:
            return block
        started = time.monotonic()
        block.h_ND = np.concatenate([self._tower(batch.inputs) for batch in block.batches])
        block.keys = [key for batch in block.batches for key in batch.keys]
        block.batches = []
        block.cost.encoded = len(block.keys)
        block.cost.seconds["encode"] = time.monotonic() - started
        return block

    @cached_property
    def _tower(self) -> "EncodeTower":
        from samesense.bulk.steps import EncodeTower

        return EncodeTower(
            self.task.model,
            view=self.task.view,
            threads=self.task.encode.threads_per_actor or os.cpu_count(),
            device=self.device,
        )
