"""One collection: the vectors of one domain of an index, by one model.

Shapes: Q queries, N rows, D width.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pymilvus.exceptions import MilvusException

from samesense.core.errors import StoreError, WidthError
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection
from samesense.index.naming import Contents
from samesense.index.rows import Hit, IndexRows, Known
from samesense.index.schema import HIT_FIELDS, search_params

LOAD_TIMEOUT_S = 600
ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})
PAGE_ROWS = 10_000
VECTORS_A_PAGE = 2_000
HITS_A_REQUEST = 100_000
MOST_HITS = 16_384
"""Milvus' own limit for the hits of one query."""
HASH_BASE = 16
SAMPLED_HASHES = "5a3e"
STRONG = {"consistency_level": "Strong"}
KNOWN_FIELDS = ("uri", "label", "content_hash", "revision", "corpus")


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
            self._ask(f"writing {len(message)} rows to", "upsert", message)

    def count(self) -> int:
        """Return the number of rows, all writes that were acknowledged included.

        On a server this also waits until searches see every such write.
        """
        answer = self._read("counting", "query", output_fields=["count(*)"], **STRONG)
        return int(answer[0]["count(*)"])

    def settle(self) -> None:
        """Make all acknowledged rows fast to search (flushed, indexed) and visible to searches."""
        self._ask("flushing", "flush")
        self.count()

    def ids_with_hashes(self) -> dict[str, str]:
        """Return the content hash of every row by its id."""
        pages = self.pages(fields=("id", "content_hash"))
        return {row["id"]: row["content_hash"] for page in pages for row in page}

    def pages(
        self, *, fields: Sequence[str], rows: int = PAGE_ROWS, corpus: str | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield these fields of all rows, or of one corpus's, in lists of at most ``rows``."""
        self.load()
        asked = {"filter": f"corpus == {_quoted(corpus)}"} if corpus is not None else {}
        iterator = self._ask(
            "listing",
            "query_iterator",
            batch_size=rows,
            output_fields=list(fields),
            **asked,
            **STRONG,
        )
        while page := self.connection.ask(f"listing {self.name}", iterator.next):
            yield page
        iterator.close()

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Return what is known of each of these rows that is there, by its id."""
        found: dict[str, Known] = {}
        for page in _pages(ids):
            rows = self._read(
                "reading", "query", filter=_any_of("id", page), output_fields=["id", *KNOWN_FIELDS]
            )
            found |= {
                row["id"]: Known(**{name: row[name] for name in KNOWN_FIELDS}) for row in rows
            }
        return found

    def vectors(self, ids: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the vector (D,) of each of these rows that is there, by its id."""
        found: dict[str, npt.NDArray[np.float32]] = {}
        for page in _pages(ids, rows=VECTORS_A_PAGE):
            rows = self._read(
                "reading", "query", filter=_any_of("id", page), output_fields=["id", "vector"]
            )
            found |= {row["id"]: np.asarray(row["vector"], dtype=np.float32) for row in rows}
        return found

    def sample(self, *, about: int) -> list[dict[str, Any]]:
        """Return id, label and vector of ``about`` as many rows, or of all if there are fewer.

        They are chosen by the hash of their content: as good as at random, the same every time,
        and cheap however many rows there are.
        """
        rows: list[dict[str, Any]] = self._read(
            "sampling",
            "query",
            output_fields=["id", "label", "vector"],
            limit=MOST_HITS,
            filter=_some_hashes(min(1.0, about / max(1, self.count()))),
        )
        return rows[:about]

    def delete(self, ids: Sequence[str]) -> None:
        """Delete these rows; one that is not there is no fault."""
        for page in _pages(ids):
            self._ask(f"deleting {len(page)} rows of", "delete", filter=_any_of("id", page))

    def search(
        self, z_QD: npt.NDArray[np.float32], *, limit: int, labels: Sequence[str] = ()
    ) -> list[list[Hit]]:
        """Return for each query its nearest rows, best first, at most ``limit``.

        With ``labels`` only rows that carry one of them.

        Raises:
            WidthError: if the width does not fit.
            StoreError: if the limit does not fit.
        """
        if z_QD.shape[1] != self.contents.width:
            raise WidthError(
                f"collection {self.name}: holds width {self.contents.width}, "
                f"queries have width {z_QD.shape[1]}"
            )
        if not 1 <= limit <= MOST_HITS:
            raise StoreError(f"limit {limit}: must be from 1 to {MOST_HITS}")
        queries_a_request = max(1, HITS_A_REQUEST // limit)
        return [
            hits
            for start in range(0, len(z_QD), queries_a_request)
            for hits in self._search(
                z_QD[start : start + queries_a_request], limit=limit, labels=labels
            )
        ]

    def load(self) -> None:
        """Have Milvus hold the collection in memory, as reading asks for; once is enough."""
        if self.name not in self.connection.loaded:
            self._ask("loading", "load_collection", timeout=LOAD_TIMEOUT_S)
            self.connection.loaded.add(self.name)

    def _search(
        self, z_QD: npt.NDArray[np.float32], *, limit: int, labels: Sequence[str]
    ) -> list[list[Hit]]:
        chosen = {"filter": _any_of("label", labels)} if labels else {}
        answers = self._read(
            "searching",
            "search",
            data=list(np.ascontiguousarray(z_QD, dtype=np.float32)),
            anns_field="vector",
            limit=limit,
            output_fields=list(HIT_FIELDS),
            search_params=search_params(self.contents.search, limit=limit),
            consistency_level="Bounded",
            **chosen,
        )
        domain = self.contents.domain
        return [
            [
                Hit(id=hit["id"], score=float(hit["distance"]), domain=domain, **hit["entity"])
                for hit in answer
            ]
            for answer in answers
        ]

    def _read(self, doing: str, operation: str, **request: Any) -> Any:
        call = getattr(self.connection.client, operation)

        def attempt() -> Any:
            self.load()
            try:
                return call(self.name, timeout=REQUEST_TIMEOUT_S, **request)
            except MilvusException:  # a server that was restarted may have let go of it
                self.connection.loaded.discard(self.name)
                raise

        return self.connection.ask(f"{doing} {self.name}", attempt)

    def _ask(self, doing: str, operation: str, *values: Any, **request: Any) -> Any:
        call = getattr(self.connection.client, operation)
        request = {"timeout": REQUEST_TIMEOUT_S} | request
        return self.connection.ask(
            f"{doing} {self.name}", lambda: call(self.name, *values, **request)
        )


def _any_of(field: str, texts: Sequence[str]) -> str:
    return f"{field} in [{', '.join(map(_quoted, texts))}]"


def _quoted(text: str) -> str:
    """Return a text as Milvus' filters write it, whatever is in it."""
    return '"' + text.translate(ESCAPED) + '"'


def _some_hashes(share: float) -> str:
    """Return the filter of a share of all rows, or a little more, by how their hashes begin."""
    digits = math.floor(math.log(1 / share, HASH_BASE))
    begins = math.ceil(share * HASH_BASE ** (digits + 1))
    alike = SAMPLED_HASHES[:digits]
    if begins == HASH_BASE:
        return f'content_hash like "{alike}%"'
    return " or ".join(f'content_hash like "{alike}{one:x}%"' for one in range(begins))


def _pages(ids: Sequence[str], *, rows: int = PAGE_ROWS) -> Iterator[list[str]]:
    return (list(ids[start : start + rows]) for start in range(0, len(ids), rows))
