"""One collection: the vectors of one domain of an index, by one model.

Shapes: Q queries, D width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samesense.core.errors import StoreError
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection
from samesense.index.naming import Contents
from samesense.index.rows import Hit, IndexRows
from samesense.index.schema import TEXT_FIELDS, search_params

LOAD_TIMEOUT_S = 600
PAGE_ROWS = 10_000
HITS_A_REQUEST = 100_000
MOST_HITS = 16_384
"""Milvus' own limit for the hits of one query."""


@dataclass(frozen=True)
class Collection:
    """A collection that exists and has its index."""

    contents: Contents
    connection: Connection

    @property
    def name(self) -> str:
        """The collection's name in Milvus."""
        return self.contents.name

    def upsert(self, rows: IndexRows) -> None:
        """Write rows by their key: new ones are added, known ones replaced.

        Raises:
            StoreError: if the width does not fit or Milvus refuses; what was sent before stays, and
                writing the same rows again is harmless.
        """
        if len(rows) and rows.z_ND.shape[1] != self.contents.width:
            raise StoreError(
                f"collection {self.name}: holds width {self.contents.width}, "
                f"got {rows.z_ND.shape[1]}"
            )
        for message in rows.messages():
            with self.connection.faults(f"writing {len(message)} rows to {self.name}"):
                self.connection.client.upsert(self.name, message, timeout=REQUEST_TIMEOUT_S)

    def count(self) -> int:
        """Return the number of rows, all writes that were acknowledged included.

        On a server this also waits until searches see every such write.
        """
        self.load()
        with self.connection.faults(f"counting {self.name}"):
            answer = self.connection.client.query(
                self.name,
                output_fields=["count(*)"],
                consistency_level="Strong",
                timeout=REQUEST_TIMEOUT_S,
            )
        return int(answer[0]["count(*)"])

    def settle(self) -> None:
        """Make all acknowledged rows fast to search (flushed, indexed) and visible to searches."""
        with self.connection.faults(f"flushing {self.name}"):
            self.connection.client.flush(self.name, timeout=REQUEST_TIMEOUT_S)
        self.count()

    def ids_with_hashes(self) -> dict[str, str]:
        """Return the content hash of every row by its id."""
        self.load()
        found: dict[str, str] = {}
        with self.connection.faults(f"listing {self.name}"):
            pages = self.connection.client.query_iterator(
                self.name,
                batch_size=PAGE_ROWS,
                output_fields=["id", "content_hash"],
                consistency_level="Strong",
            )
            while page := pages.next():
                found.update((row["id"], row["content_hash"]) for row in page)
            pages.close()
        return found

    def uris(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the URI of each of these rows that is there, by its id."""
        self.load()
        found: dict[str, str] = {}
        for page in _pages(ids):
            with self.connection.faults(f"reading {len(page)} rows of {self.name}"):
                rows = self.connection.client.get(
                    self.name, ids=page, output_fields=["id", "uri"], timeout=REQUEST_TIMEOUT_S
                )
            found.update((row["id"], row["uri"]) for row in rows)
        return found

    def delete(self, ids: Sequence[str]) -> None:
        """Delete these rows; one that is not there is no fault."""
        for page in _pages(ids):
            with self.connection.faults(f"deleting {len(page)} rows of {self.name}"):
                self.connection.client.delete(self.name, ids=page, timeout=REQUEST_TIMEOUT_S)

    def search(self, z_QD: npt.NDArray[np.float32], *, limit: int) -> list[list[Hit]]:
        """Return for each query its nearest rows, best first, at most ``limit``.

        Raises:
            StoreError: if the width or the limit does not fit.
        """
        if z_QD.ndim != 2 or z_QD.shape[1] != self.contents.width:
            raise StoreError(
                f"collection {self.name}: holds width {self.contents.width}, "
                f"queries have shape {z_QD.shape}"
            )
        if not 1 <= limit <= MOST_HITS:
            raise StoreError(f"limit {limit}: must be from 1 to {MOST_HITS}")
        self.load()
        queries_a_request = max(1, HITS_A_REQUEST // limit)
        return [
            hits
            for start in range(0, len(z_QD), queries_a_request)
            for hits in self._search(z_QD[start : start + queries_a_request], limit=limit)
        ]

    def load(self) -> None:
        """Have Milvus hold the collection in memory, as reading asks for; once is enough."""
        if self.name not in self.connection.loaded:
            with self.connection.faults(f"loading {self.name}"):
                self.connection.client.load_collection(self.name, timeout=LOAD_TIMEOUT_S)
            self.connection.loaded.add(self.name)

    def _search(self, z_QD: npt.NDArray[np.float32], *, limit: int) -> list[list[Hit]]:
        with self.connection.faults(f"searching {self.name}"):
            answers = self.connection.client.search(
                self.name,
                data=list(np.ascontiguousarray(z_QD, dtype=np.float32)),
                anns_field="vector",
                limit=limit,
                output_fields=list(TEXT_FIELDS),
                search_params=search_params(search_width=self.contents.search_width, limit=limit),
                consistency_level="Bounded",
                timeout=REQUEST_TIMEOUT_S,
            )
        domain = self.contents.domain
        return [
            [
                Hit(id=hit["id"], score=float(hit["distance"]), domain=domain, **hit["entity"])
                for hit in answer
            ]
            for answer in answers
        ]


def _pages(ids: Sequence[str]) -> Iterator[list[str]]:
    return (list(ids[start : start + PAGE_ROWS]) for start in range(0, len(ids), PAGE_ROWS))
