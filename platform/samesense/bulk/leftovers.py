"""Rows of an index that their corpus no longer stands behind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samesense.core.storage import local_path
from samesense.corpus.manifest import item_id
from samesense.corpus.rejections import Rejection
from samesense.corpus.sources.folder import lists
from samesense.index.collection import Collection


@dataclass(frozen=True)
class Foreign:
    """Rows of a collection that are no items of a corpus."""

    leftovers: list[str]
    """Ids of those that were: rejected now, or no longer listed."""
    others: int
    """How many are not known to have been: rows of other corpora."""


def part_foreign(
    ids: Sequence[str], *, collection: Collection, corpus: str, rejections: Iterable[Rejection]
) -> Foreign:
    """Part the rows of a collection that are no items of a corpus now.

    A row was the corpus's if the corpus rejects it now, or if the corpus is a folder and the row
    is of a file at its ``domain/class/file``. What a manifest no longer lists cannot be told from
    another corpus, and counts as that.
    """
    domain, root = collection.contents.domain, local_path(corpus)
    rejected = {item_id(domain=r.domain, uri=r.uri) for r in rejections if r.domain == domain}
    uris = collection.uris(ids) if root.is_dir() else {}
    leftovers = [
        row_id
        for row_id in ids
        if row_id in rejected or (row_id in uris and lists(root, uri=uris[row_id], domain=domain))
    ]
    return Foreign(leftovers=leftovers, others=len(ids) - len(leftovers))
