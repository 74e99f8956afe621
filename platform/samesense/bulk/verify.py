"""Is what an index holds what it should hold? Counts, vectors encoded again, recall.

Shapes: N rows, Q queries, D width, K neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samesense.bulk.reconcile import Told, compare
from samesense.bulk.sampling import sample_rows
from samesense.core.hashing import hash_bytes
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.reading import read_bytes
from samesense.encoder.encoder import Encoder
from samesense.index.collection import VECTORS_A_PAGE, Collection

NEIGHBOURS = 10
SAME_COSINE = 0.999
"""Below this a vector is not the one that the model gives; half precision stays above."""
TIE = 1e-5
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Verified:
    """What was found out about one collection."""

    domain: str
    collection: str
    rows: int
    missing: int | None
    """How many rows the ledger promises and the collection lacks; None without a ledger."""
    surplus: int | None
    """How many rows the collection has of the corpus and the ledger has not; None without one."""
    encoded_again: int
    """How many sampled rows could be read and had the content that the index remembers."""
    changed: int
    """How many sampled rows have another content by now, or cannot be read."""
    worst_cosine: float | None
    """The smallest cosine of a stored vector and the one encoded again; None if none was."""
    recall: float | None
    """Share of the true ``NEIGHBOURS`` nearest that a search finds, over sampled queries."""

    def faults(self, *, least_recall: float) -> list[str]:
        """Say what is wrong, in words; empty if nothing is."""
        found = []
        if self.missing:
            found.append(f"{self.domain}: lacks {self.missing} rows that the ledger promises")
        if self.surplus:
            found.append(
                f"{self.domain}: has {self.surplus} rows that the ledger does not have; if they "
                "are gone from the corpus, `samesense embed --prune` deletes them"
            )
        if not self.rows and self.missing is None:
            found.append(f"{self.domain}: holds no rows")
        if self.changed and not self.encoded_again:
            found.append(
                f"{self.domain}: no vector was checked: none of {self.changed} sampled images can "
                "be read and is what it was when it was embedded; is the corpus still there? "
                "Embed it again, or leave this out with --no-encode"
            )
        if self.worst_cosine is not None and self.worst_cosine < SAME_COSINE:
            found.append(
                f"{self.domain}: a stored vector is not the model's: cosine {self.worst_cosine:.4f}"
            )
        if self.recall is not None and self.recall < least_recall:
            found.append(
                f"{self.domain}: recall@{NEIGHBOURS} is {self.recall:.3f}, below {least_recall}; "
                "give the index a larger search width"
            )
        return found


def verify_collection(
    collection: Collection,
    *,
    encoder: Encoder | None,
    ledger: Mapping[str, Told] | None,
    corpus: str,
    sample: int,
    seed: int = 0,
) -> Verified:
    """Check one collection; ``encoder`` is its model, without which nothing is encoded again.

    ``ledger`` is what ``told_by_domain`` has read of it.

    Raises:
        StoreError: if the index does not answer.
    """
    rows = sample_rows(collection, count=sample, seed=seed, fields=("uri", "content_hash"))
    vectors = collection.vectors([row["id"] for row in rows])
    rows = [row for row in rows if row["id"] in vectors]
    cosines = _cosines(rows, vectors, encoder) if encoder is not None else []
    domain = collection.contents.domain
    held = compare(collection, ledger.get(domain), corpus=corpus) if ledger is not None else None
    return Verified(
        domain=domain,
        collection=collection.name,
        rows=collection.count(),
        missing=len(held.missing) if held else None,
        surplus=len(held.gone) if held else None,
        encoded_again=len(cosines),
        changed=len(rows) - len(cosines) if encoder is not None else 0,
        worst_cosine=min(cosines) if cosines else None,
        recall=recall(collection, np.stack(list(vectors.values()))) if vectors else None,
    )


def recall(collection: Collection, z_QD: Vectors) -> float:
    """Return recall@``NEIGHBOURS`` of a collection's search against all of its vectors.

    A neighbour as near as the last true one counts, whichever of equals an index returns.
    """
    nearest_QK = np.full((len(z_QD), NEIGHBOURS), -np.inf, dtype=np.float32)
    for page in collection.pages(fields=("vector",), rows=VECTORS_A_PAGE):
        z_ND = np.array([row["vector"] for row in page], dtype=np.float32)
        scores = np.concatenate([nearest_QK, z_QD @ z_ND.T], axis=1)
        nearest_QK = -np.partition(-scores, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    worst_Q = np.where(np.isfinite(nearest_QK), nearest_QK, np.inf).min(axis=1)
    there_Q = np.isfinite(nearest_QK).sum(axis=1)
    answers = collection.search(z_QD, limit=NEIGHBOURS)
    found_Q = [
        sum(hit.score >= worst - TIE for hit in hits)
        for hits, worst in zip(answers, worst_Q, strict=True)
    ]
    return float(np.mean(np.array(found_Q) / there_Q))


def _cosines(
    rows: Sequence[dict[str, Any]], vectors: dict[str, Vectors], encoder: Encoder
) -> list[float]:
    """Encode rows again whose content is what the index remembers."""
    pictures, stored = [], []
    for row in rows:
        try:
            data = read_bytes(row["uri"])
        except (OSError, ValueError):
            continue
        picture = decode(data, limits=DecodeLimits())
        if hash_bytes(data) == row["content_hash"] and not isinstance(picture, Rejected):
            pictures.append(picture)
            stored.append(vectors[row["id"]])
    if not pictures:
        return []
    return [float(cosine) for cosine in (encoder.embed_images(pictures) * np.stack(stored)).sum(1)]
