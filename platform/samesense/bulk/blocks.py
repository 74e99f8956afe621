"""A block on its way: prepared, encoded, committed.

Shapes: B items of a forward, N vectors, D width.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from samesense.bulk.ledger import Entry


@dataclass
class Cost:
    """What a block has cost so far."""

    bytes: int = 0
    """Bytes read from the corpus."""
    encoded: int = 0
    """Images that the tower ran on."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Stage → seconds of a worker."""


@dataclass(frozen=True)
class Batch:
    """Images that are ready for one forward."""

    keys: list[str]
    """Content hashes, B of them."""
    inputs: bytes
    """The tower's input tensors, pickled within this job."""


@dataclass
class Block:
    """The rows of a block, and what is left to do for them."""

    number: int
    entries: list[Entry]
    """What became of each row, or will, if all goes well."""
    written: list[int]
    """Positions of the entries whose vectors are to be written into the index."""
    exported: list[int]
    """Positions of the entries whose vectors are to be written as Parquet."""
    stale: dict[str, list[str]]
    """Domain → ids that the index has, and should not have any more."""
    batches: list[Batch] = field(default_factory=list)
    """What the tower has to run on."""
    keys: list[str] = field(default_factory=list)
    """Content hashes of what it has run on."""
    h_ND: npt.NDArray[np.float32] | None = None
    """Their vectors."""
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True)
class Committed:
    """A finished block, as the driver hears of it."""

    number: int
    fates: Counter[str]
    reasons: Counter[str]
    cost: Cost
