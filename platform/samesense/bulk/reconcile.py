"""The index against the ledger: which rows one has and the other has not.

Ids are compared as sorted arrays of 32 bytes each, a domain at a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samesense.bulk.ledger import Entry, Ledger
from samesense.core.errors import BulkError
from samesense.corpus.sources.listing import BAD_SHARD
from samesense.index.collection import Collection

Ids = npt.NDArray[np.bytes_]
ID_TYPE = "S32"


@dataclass(frozen=True)
class Compared:
    """One domain of an index against the ledger."""

    collection: Collection
    expected: int
    """How many rows the ledger calls embedded or unchanged."""
    missing: Ids
    """Of those, the ids that the index lacks."""
    gone: list[str]
    """Ids that the index has of this corpus, and the corpus does not list any more."""
    others: int
    """How many rows of other corpora the collection holds."""

    @property
    def prunable_share(self) -> float:
        """Which share of this corpus's rows in the index is gone from the corpus."""
        held = self.expected - len(self.missing) + len(self.gone)
        return len(self.gone) / held if held else 0.0


def compare(collection: Collection, ledger: Ledger, *, corpus: str) -> Compared:
    """Compare the rows that a collection has of a corpus with what the ledger says of them.

    Raises:
        StoreError: if the index does not answer.
    """
    told = [
        pair
        for _, pairs in ledger.column("id", domain=collection.contents.domain)
        for pair in pairs
    ]
    listed = _ids(row_id for _, row_id in told)
    expected = _ids(row_id for fate, row_id in told if fate != "rejected")
    held = _ids(
        row["id"] for page in collection.pages(fields=("id",), corpus=corpus) for row in page
    )
    return Compared(
        collection=collection,
        expected=len(expected),
        missing=np.setdiff1d(expected, held, assume_unique=True),
        gone=[row_id.decode() for row_id in np.setdiff1d(held, listed, assume_unique=True)],
        others=collection.count() - len(held),
    )


def blocks_with(ledger: Ledger, compared: Iterable[Compared]) -> list[int]:
    """Return the blocks whose rows the index lacks, though the ledger says that it has them."""
    found: set[int] = set()
    for one in compared:
        missing = {row_id.decode() for row_id in one.missing}
        if missing:
            pages = ledger.column("id", domain=one.collection.contents.domain)
            found |= {n for n, pairs in pages if not missing.isdisjoint(i for _, i in pairs)}
    return sorted(found)


def unlisted_shards(ledger: Ledger) -> list[Entry]:
    """Return what the ledger has in the place of each shard that was not listed to its end."""
    return [entry for entry in ledger.rejected() if entry.reason == BAD_SHARD]


def prune(compared: Iterable[Compared], *, ledger: Ledger, most: float) -> int:
    """Delete the rows that a corpus does not list any more, and return how many they were.

    Raises:
        BulkError: if a shard was not listed, so that nobody knows what is gone, or if they are more
            than a share ``most`` of a domain; nothing is deleted then.
    """
    compared = list(compared)
    shards = unlisted_shards(ledger)
    if shards:
        raise BulkError(
            f"{shards[0].uri}: {len(shards)} shards of the corpus were not listed to their end "
            f"(the first: {shards[0].detail}), so what is gone from it is not known: nothing was "
            "pruned. Mend or remove them and run the same command again, or leave prune out"
        )
    for one in compared:
        if one.prunable_share > most:
            raise BulkError(
                f"{one.collection.name}: {len(one.gone)} rows are gone from the corpus, "
                f"{one.prunable_share:.0%} of its rows there; more than most_pruned={most:.0%} are "
                "not deleted. Is the listing whole? If it is, give a higher most_pruned"
            )
    for one in compared:
        one.collection.delete(one.gone)
    return sum(len(one.gone) for one in compared)


def _ids(found: Iterable[str]) -> Ids:
    return np.unique(np.fromiter((row_id.encode() for row_id in found), dtype=ID_TYPE))
