"""Rows that go into a collection, and hits that come out.

Shapes: N rows, D width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samesense.core.errors import StoreError

MESSAGE_BYTES = 24 * 2**20
"""Milvus takes 64 MiB a message; rows on the wire are somewhat larger than what is counted here."""
TEXT_BYTES = 65_535
ROW_OVERHEAD_BYTES = 64


@dataclass(frozen=True)
class Hit:
    """One answer to a query. ``score`` is the cosine of query and row, in [-1, 1]."""

    id: str
    uri: str
    domain: str
    label: str
    score: float
    content_hash: str


@dataclass(frozen=True)
class Known:
    """What a collection knows of one of its rows, but for the vector."""

    uri: str
    label: str
    content_hash: str
    revision: str
    corpus: str


@dataclass(frozen=True)
class IndexRows:
    """Rows of one domain: N keys with what is known of each, and their vectors (N, D) float32.

    Raises:
        StoreError: if lengths differ, a key stands twice, or a vector is zero or not finite.
    """

    ids: Sequence[str]
    uris: Sequence[str]
    labels: Sequence[str]
    content_hashes: Sequence[str]
    z_ND: npt.NDArray[np.float32]
    revisions: Sequence[str] = ()
    """What the source said of each when it was read; empty if it says nothing."""
    corpus: str = ""
    """The URI of the corpus that they are of; empty if unknown."""

    def __post_init__(self) -> None:
        if not self.revisions:
            object.__setattr__(self, "revisions", [""] * len(self.ids))
        columns = (self.ids, self.uris, self.labels, self.content_hashes, self.revisions)
        lengths = [len(column) for column in columns]
        if self.z_ND.ndim != 2 or set(lengths) != {len(self.z_ND)}:
            raise StoreError(f"rows: columns of {lengths} for vectors of shape {self.z_ND.shape}")
        if len(set(self.ids)) != len(self.ids):
            raise StoreError("rows: an id stands twice among rows that are written together")
        norms_N = np.linalg.norm(self.z_ND, axis=1)
        bad_N = ~(np.isfinite(norms_N) & (norms_N > 0))
        if bad_N.any():
            first = int(bad_N.argmax())
            raise StoreError(
                f"rows: {int(bad_N.sum())} vectors are zero or not finite, "
                f"the first of {self.uris[first]}"
            )
        for column in columns:
            for text in column:
                if len(text) * 4 > TEXT_BYTES and len(text.encode()) > TEXT_BYTES:
                    raise StoreError(f"rows: a text of over {TEXT_BYTES} bytes: {text[:80]}...")

    def __len__(self) -> int:
        return len(self.ids)

    def messages(self, *, message_bytes: int = MESSAGE_BYTES) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows as Milvus takes them, in lists that each fit into one message."""
        message: list[dict[str, Any]] = []
        held_bytes = 0
        for row in self._rows():
            row_bytes = ROW_OVERHEAD_BYTES + self.z_ND.shape[1] * 4
            row_bytes += sum(
                len(value.encode()) for value in row.values() if isinstance(value, str)
            )
            if message and held_bytes + row_bytes > message_bytes:
                yield message
                message, held_bytes = [], 0
            message.append(row)
            held_bytes += row_bytes
        if message:
            yield message

    def _rows(self) -> Iterator[dict[str, Any]]:
        z_ND = np.asarray(self.z_ND, dtype=np.float32)
        texts = (self.ids, self.uris, self.labels, self.content_hashes, self.revisions)
        for id_, uri, label, content_hash, revision, z_D in zip(*texts, z_ND, strict=True):
            yield {
                "id": str(id_),
                "uri": str(uri),
                "label": str(label),
                "content_hash": str(content_hash),
                "revision": str(revision),
                "corpus": self.corpus,
                "vector": z_D,
            }
