"""The last step: vectors into the cache and the index, then the block into the ledger.

In this order, so that a block that is killed on the way is merely done again: every write is by a
stable key, and the ledger's entry comes last.

Shapes: N vectors, D width.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from samesense.bulk.blocks import Block, Committed
from samesense.bulk.export import write_vectors
from samesense.bulk.ledger import Entry
from samesense.bulk.task import VECTORS, EmbedTask
from samesense.index.collection import Collection
from samesense.index.rows import IndexRows
from samesense.index.store import Store
from samesense.vectors.cache import VectorCache

if TYPE_CHECKING:
    from samesense.encoder.encoder import Encoder

PARTS_IN_MEMORY = 64
Vectors = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]


class CommitBlock:
    """Align a block's vectors, write them, and declare the block finished."""

    def __init__(self, task: EmbedTask) -> None:
        """Say what job it is; files and connections are opened when they are needed."""
        self.task = task

    def load(self) -> None:
        """Load the aligner now, not with the first block."""
        _ = self._aligner

    def __call__(self, block: Block) -> Committed:
        """Finish a block.

        Raises:
            StoreError: if the index refuses, or does not answer as long as patience lasts.
            WriteError: if a file cannot be written, such as on a full disk.
        """
        started = time.monotonic()
        self._keep(block)
        z_by_position = self._align(block)
        self._index(block, z_by_position)
        for domain, ids in block.stale.items():
            self._collection(domain).delete(ids)
        if self.task.parquet:
            self._export(block, z_by_position)
        self.task.ledger.write(block.number, block.entries)
        block.cost.seconds["write"] += time.monotonic() - started
        return Committed(
            number=block.number,
            fates=Counter(entry.fate for entry in block.entries),
            reasons=Counter(entry.reason for entry in block.entries if entry.reason),
            cost=block.cost,
        )

    def _keep(self, block: Block) -> None:
        """Put what the tower gave into the cache; reject what is no vector."""
        if block.h_ND is None:
            return
        finite_N = np.atleast_1d(np.isfinite(block.h_ND).all(axis=1))
        good = [key for key, finite in zip(block.keys, finite_N, strict=True) if finite]
        self._cache.put(good, block.h_ND[finite_N])
        bad = set(block.keys) - set(good)
        for position, entry in enumerate(block.entries):
            if entry.content_hash in bad:
                block.entries[position] = replace(
                    entry,
                    fate="rejected",
                    reason="not_finite",
                    detail="the tower gave a vector that is not finite",
                )

    def _align(self, block: Block) -> dict[int, Vector]:
        """Return the aligned vector of every entry that is to be written."""
        positions = [
            position
            for position in sorted({*block.written, *block.exported})
            if block.entries[position].fate != "rejected"
        ]
        if not positions:
            return {}
        keys = [block.entries[position].content_hash for position in positions]
        fresh = {} if block.h_ND is None else dict(zip(block.keys, block.h_ND, strict=True))
        kept = [key for key in dict.fromkeys(keys) if key not in fresh]
        h_by_key = fresh | dict(zip(kept, self._cache.get(kept), strict=True))
        z_ND = self._aligner.align_vectors(np.stack([h_by_key[key] for key in keys]))
        return dict(zip(positions, z_ND, strict=True))

    def _index(self, block: Block, z_by_position: dict[int, Vector]) -> None:
        written = [position for position in block.written if position in z_by_position]
        for domain in sorted({block.entries[position].domain for position in written}):
            ours = [n for n in written if block.entries[n].domain == domain]
            entries = [block.entries[position] for position in ours]
            z_ND = np.stack([z_by_position[position] for position in ours])
            self._collection(domain).upsert(
                index_rows(entries, z_ND, corpus=self.task.origin.corpus)
            )

    def _export(self, block: Block, z_by_position: dict[int, Vector]) -> None:
        exported = [position for position in block.exported if position in z_by_position]
        write_vectors(
            Path(self.task.out) / VECTORS / f"{block.number:08d}.parquet",
            entries=[block.entries[position] for position in exported],
            z_ND=np.array([z_by_position[n] for n in exported]).reshape(-1, self.task.origin.width),
            origin=self.task.origin,
        )

    def _collection(self, domain: str) -> Collection:
        return Collection(self.task.collections[domain], self._store.connection)

    @cached_property
    def _store(self) -> Store:
        return self.task.open_store()

    @cached_property
    def _cache(self) -> VectorCache:
        return VectorCache(
            self.task.cache,
            fingerprint=self.task.tower_fingerprint,
            parts_in_memory=PARTS_IN_MEMORY,
        )

    @cached_property
    def _aligner(self) -> "Encoder":
        from samesense.artefact.folder import load_artefact

        return load_artefact(self.task.model).aligner()


def index_rows(entries: Sequence[Entry], z_ND: Vectors, *, corpus: str) -> IndexRows:
    """Return entries of one domain with their vectors (N, D) as rows of the index."""
    return IndexRows(
        ids=[entry.id for entry in entries],
        uris=[entry.uri for entry in entries],
        labels=[entry.label for entry in entries],
        content_hashes=[entry.content_hash for entry in entries],
        z_ND=z_ND,
        revisions=[entry.revision for entry in entries],
        corpus=corpus,
    )
