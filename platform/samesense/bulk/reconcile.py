"""The index against the ledger: which rows one has and the other has not.

The ledger is read once for all domains; of each row 16 bytes stay in memory, its id.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from samesense.bulk.ids import Ids, among, lacking, named, packed, sorted_once, view
from samesense.bulk.ledger import Entry, Ledger
from samesense.core.errors import BulkError, StoreError
from samesense.corpus.sources.listing import BAD_SHARD
from samesense.index.collection import Collection

ROWS_A_DELETION = 10_000


@dataclass
class Told:
    """What the ledger says of one domain: the ids of its rows, packed."""

    accepted: bytearray = field(default_factory=bytearray)
    """Embedded or unchanged: the index should have them."""
    rejected: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class Compared:
    """One domain of an index against the ledger."""

    collection: Collection
    expected: int
    """How many rows the ledger calls embedded or unchanged."""
    missing: Ids
    """Of those, the ids that the index lacks."""
    gone: Ids
    """Ids that the index has of this corpus, and the corpus does not list any more."""
    others: int
    """How many rows of other corpora the collection holds."""

    @property
    def prunable_share(self) -> float:
        """Which share of this corpus's rows in the index is gone from the corpus."""
        held = self.expected - len(self.missing) + len(self.gone)
        return len(self.gone) / held if held else 0.0


def told_by_domain(ledger: Ledger) -> dict[str, Told]:
    """Return what the ledger says of each domain."""
    found: dict[str, Told] = defaultdict(Told)
    for _, columns in ledger.columns("id", "domain", "fate"):
        for row_id, domain, fate in zip(*columns, strict=True):
            told = found[domain]
            ids = told.rejected if fate == "rejected" else told.accepted
            ids += bytes.fromhex(row_id)
    return dict(found)


def compare(collection: Collection, told: Told | None, *, corpus: str) -> Compared:
    """Compare the rows that a collection has of a corpus with what the ledger says of its domain.

    Raises:
        StoreError: if the index does not answer, or holds what no job has written.
    """
    told = told or Told()
    expected, rejected = sorted_once(told.accepted), sorted_once(told.rejected)
    held = sorted_once(_held(collection, corpus))
    return Compared(
        collection=collection,
        expected=len(expected),
        missing=lacking(expected, held),
        gone=lacking(lacking(held, expected), rejected),
        others=collection.count() - len(held),
    )


def blocks_with(ledger: Ledger, compared: Iterable[Compared]) -> list[int]:
    """Return the blocks whose rows the index lacks, though the ledger says that it has them."""
    missing = np.sort(np.concatenate([view(b""), *(one.missing for one in compared)]))
    if not len(missing):
        return []
    pages = ledger.columns("id")
    return [number for number, (ids,) in pages if among(view(packed(ids)), missing).any()]


def unlisted_shards(ledger: Ledger) -> list[Entry]:
    """Return what the ledger has in the place of each shard that was not listed to its end."""
    return [entry for entry in ledger.rejected() if entry.reason == BAD_SHARD]


def prune(compared: Iterable[Compared], *, unlisted: Sequence[Entry], most: float) -> int:
    """Delete the rows that a corpus does not list any more, and return how many they were.

    ``unlisted`` are its shards that were not listed, see ``unlisted_shards``.

    Raises:
        BulkError: if a shard was not listed, so that nobody knows what is gone, or if they are more
            than a share ``most`` of a domain; nothing is deleted then.
    """
    compared = list(compared)
    if unlisted:
        raise BulkError(
            f"{unlisted[0].uri}: {len(unlisted)} shards of the corpus were not listed to their end "
            f"(the first: {unlisted[0].detail}), so what is gone from it is not known: nothing was "
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
        for start in range(0, len(one.gone), ROWS_A_DELETION):
            one.collection.delete(list(named(one.gone[start : start + ROWS_A_DELETION])))
    return sum(len(one.gone) for one in compared)


def _held(collection: Collection, corpus: str) -> bytearray:
    held = bytearray()
    for page in collection.pages(fields=("id",), corpus=corpus):
        try:
            held += packed(row["id"] for row in page)
        except ValueError as error:
            raise StoreError(
                f"{collection.name}: holds rows of {corpus} that no job has written: {error}"
            ) from None
    return held
