"""A corpus into the collections of one model: write what is new, delete what the corpus has lost.

Shapes: N items, D width.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samesense.artefact.folder import Artefact
from samesense.bulk.fill import Filled
from samesense.bulk.leftovers import part_foreign
from samesense.bulk.options import EmbedJob
from samesense.core.errors import StoreError
from samesense.core.progress import progress
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import Scan
from samesense.index.collection import Collection
from samesense.index.rows import IndexRows
from samesense.index.store import Store

ROWS_PER_BLOCK = 2_000


@dataclass
class Written:
    """What became of rows, over all domains."""

    fates: dict[str, int] = field(default_factory=lambda: {"embedded": 0, "unchanged": 0})
    """How many rows of the corpus were written, and how many were there already."""
    removed: int = 0
    """How many rows were deleted, since the corpus no longer stands behind them."""
    others: int = 0
    """How many rows of other corpora the collections hold."""


def write_index(
    job: EmbedJob, store: Store, artefact: Artefact, whole: Scan, filled: Filled
) -> Written:
    """Bring a model's collections of an index to what the corpus holds now; nothing is switched.

    ``whole`` is the corpus with all of its rejections.

    Raises:
        StoreError: if Milvus refuses, or a collection holds other rows than it should.
    """
    aligner = artefact.aligner()
    written = Written()
    with progress(total=len(whole.manifest), what="index images") as advance:
        width = aligner.widths[artefact.recipe.vector["image"]]
        for collection in _collections(job, store, artefact, width, whole.manifest):
            rows = whole.manifest.where(
                whole.manifest.column("domain") == collection.contents.domain
            )
            there = collection.ids_with_hashes()
            new = _new_rows(rows, there)
            written.fates["unchanged"] += int((~new).sum())
            advance(int((~new).sum()))
            for block in _blocks(rows.where(new)):
                h_ND = filled.cache.get(list(block.column("content_hash")))
                collection.upsert(_index_rows(block, aligner.align_vectors(h_ND)))
                written.fates["embedded"] += len(block)
                advance(len(block))
            foreign = part_foreign(
                sorted(there.keys() - set(rows.column("id"))),
                collection=collection,
                corpus=job.corpus,
                rejections=whole.rejections,
            )
            collection.delete(foreign.leftovers)
            written.removed += len(foreign.leftovers)
            written.others += foreign.others
            _check_count(collection, len(rows) + foreign.others)
    return written


def _collections(
    job: EmbedJob, store: Store, artefact: Artefact, width: int, manifest: Manifest
) -> list[Collection]:
    """Return the collections of the corpus's domains, and of those that it may have lost."""
    fingerprint = artefact.record.fingerprint
    there = [
        collection
        for collection in store.collections(job.index)
        if collection.contents.fingerprint == fingerprint
        and collection.contents.domain not in manifest.domains
    ]
    built = [
        store.build(
            job.index,
            domain=domain,
            fingerprint=fingerprint,
            width=width,
            model=str(artefact.folder.absolute()),
        )
        for domain in manifest.domains
    ]
    return built + there


def _new_rows(rows: Manifest, there: Mapping[str, str]) -> NDArray[np.bool_]:
    pairs = zip(rows.column("id"), rows.column("content_hash"), strict=True)
    return np.array([there.get(row_id) != content for row_id, content in pairs], dtype=bool)


def _blocks(rows: Manifest) -> Iterator[Manifest]:
    for start in range(0, len(rows), ROWS_PER_BLOCK):
        yield rows.take(np.arange(start, min(start + ROWS_PER_BLOCK, len(rows))))


def _index_rows(block: Manifest, z_ND: NDArray[np.float32]) -> IndexRows:
    return IndexRows(
        ids=list(block.column("id")),
        uris=list(block.column("uri")),
        labels=list(block.column("label")),
        content_hashes=list(block.column("content_hash")),
        z_ND=z_ND,
    )


def _check_count(collection: Collection, expected: int) -> None:
    count = collection.count()
    if count != expected:
        raise StoreError(
            f"{collection.name}: holds {count} rows where {expected} should be; the aliases were "
            "not switched; run the same command again, when nothing else writes to this index"
        )
