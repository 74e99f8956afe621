"""An embedding job: scan, fill the vector cache, write what is new into the index, switch to it."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samesense.artefact.folder import Artefact, load_artefact
from samesense.bulk.fill import Filled, fill_image_vectors
from samesense.bulk.options import EmbedJob
from samesense.core.errors import StoreError
from samesense.core.progress import progress
from samesense.core.storage import write_text_atomically
from samesense.corpus.manifest import Manifest
from samesense.corpus.rejections import Rejection, write_rejections
from samesense.corpus.scan import Scan
from samesense.index.collection import Collection
from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store

ROWS_PER_BLOCK = 2_000


@dataclass(frozen=True)
class Embedded:
    """The outcome of an embedding job."""

    scan: Scan
    """What the corpus holds, with all rejections."""
    fates: dict[str, int]
    """How many rows were embedded, unchanged and rejected; the sum is the listing."""
    fingerprint: str
    """The model's fingerprint, under which the index serves."""


def embed_corpus(job: EmbedJob, *, found: Scan) -> Embedded:
    """Embed a scanned corpus with a trained model and serve it under the index's aliases.

    Ray must be running. A run that was killed is continued by running it again.

    Raises:
        ArtefactError: if the model cannot be read.
        StoreError: if the index cannot be reached, or holds other rows than it should.
    """
    artefact = load_artefact(job.model)
    with open_store(job.milvus) as store:
        filled = fill_image_vectors(
            found.manifest,
            model=job.model,
            cache_root=job.cache,
            limits=job.limits,
            options=job.encode,
        )
        kept, late = _without_rejected(found.manifest, filled)
        fates = Counter(_index(job, store, artefact, kept, filled))
        store.switch(job.index, fingerprint=artefact.record.fingerprint)
    rejections = [*found.rejections, *late]
    whole = Scan(manifest=kept, rejections=rejections, listed=found.listed)
    fates["rejected"] = len(rejections)
    done = Embedded(scan=whole, fates=dict(fates), fingerprint=artefact.record.fingerprint)
    _write_outcome(job, done)
    return done


def _without_rejected(manifest: Manifest, filled: Filled) -> tuple[Manifest, list[Rejection]]:
    """Part the rows that were rejected after the scan from those that have a vector."""
    bad = np.array([key in filled.rejected for key in manifest.column("content_hash")], dtype=bool)
    lost = manifest.where(bad)
    late = [
        Rejection(
            uri=uri,
            domain=domain,
            label=label,
            reason=filled.rejected[key].reason,
            detail=filled.rejected[key].detail,
        )
        for uri, domain, label, key in zip(
            *(lost.column(name) for name in ("uri", "domain", "label", "content_hash")), strict=True
        )
    ]
    return manifest.where(~bad), late


def _index(
    job: EmbedJob, store: Store, artefact: Artefact, manifest: Manifest, filled: Filled
) -> Counter[str]:
    aligner = artefact.aligner()
    fates: Counter[str] = Counter(embedded=0, unchanged=0)
    with progress(total=len(manifest), what="index images") as advance:
        for domain in manifest.domains:
            rows = manifest.of(domains=(domain,))
            collection = store.build(
                job.index,
                domain=domain,
                fingerprint=artefact.record.fingerprint,
                width=aligner.widths[artefact.recipe.vector["image"]],
                model=str(artefact.folder.absolute()),
            )
            new = _new_rows(rows, collection)
            fates["unchanged"] += int((~new).sum())
            advance(int((~new).sum()))
            todo = rows.where(new)
            for start in range(0, len(todo), ROWS_PER_BLOCK):
                block = todo.take(np.arange(start, min(start + ROWS_PER_BLOCK, len(todo))))
                h_ND = filled.cache.get(list(block.column("content_hash")))
                collection.upsert(_index_rows(block, aligner.align_vectors(h_ND)))
                fates["embedded"] += len(block)
                advance(len(block))
            _check_count(collection, rows)
    return fates


def _new_rows(rows: Manifest, collection: Collection) -> NDArray[np.bool_]:
    there = collection.ids_with_hashes()
    pairs = zip(rows.column("id"), rows.column("content_hash"), strict=True)
    return np.array([there.get(row_id) != content for row_id, content in pairs], dtype=bool)


def _index_rows(block: Manifest, z_ND: NDArray[np.float32]) -> IndexRows:
    return IndexRows(
        ids=list(block.column("id")),
        uris=list(block.column("uri")),
        labels=list(block.column("label")),
        content_hashes=list(block.column("content_hash")),
        z_ND=z_ND,
    )


def _check_count(collection: Collection, rows: Manifest) -> None:
    count = collection.count()
    if count < len(rows):
        raise StoreError(
            f"{collection.name}: holds {count} rows after writing {len(rows)}; "
            "the aliases were not switched; run the same command again"
        )


def _write_outcome(job: EmbedJob, done: Embedded) -> None:
    out = Path(job.out)
    write_rejections(out / "rejections.parquet", done.scan.rejections)
    summary = {
        "index": job.index,
        "fingerprint": done.fingerprint,
        "listed": done.scan.listed,
        "fates": done.fates,
        "rejections": dict(Counter(rejection.reason for rejection in done.scan.rejections)),
    }
    write_text_atomically(out / "summary.json", json.dumps(summary, indent=2) + "\n")
