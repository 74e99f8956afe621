"""An embedding job: scan, fill the vector cache, write what is new into the index, switch to it."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from samesense.artefact.folder import load_artefact
from samesense.bulk.fill import Filled, fill_image_vectors
from samesense.bulk.indexing import write_index
from samesense.bulk.options import EmbedJob
from samesense.core.storage import write_text_atomically
from samesense.corpus.manifest import Manifest
from samesense.corpus.rejections import Rejection, write_rejections
from samesense.corpus.scan import Scan, scan
from samesense.index.store import open_store


@dataclass(frozen=True)
class Embedded:
    """The outcome of an embedding job."""

    scan: Scan
    """What the corpus holds, with all rejections."""
    fates: dict[str, int]
    """How many rows were embedded, unchanged and rejected; the sum is the listing."""
    removed: int
    """How many rows were deleted from the index, since the corpus no longer stands behind them."""
    others: int
    """How many rows of other corpora the same collections of the index hold."""
    fingerprint: str
    """The model's fingerprint, under which the index serves."""


def scan_corpus(job: EmbedJob) -> Scan:
    """Scan a job's corpus, and write down what it rejects before anything is embedded.

    Raises:
        CorpusError: if the corpus is empty, cannot be read, or all of it is rejected.
    """
    found = scan(job.corpus, limits=job.limits)
    write_rejections(rejections_table(job), found.rejections)
    found.refuse_if_empty(table=rejections_table(job))
    return found


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
        whole = replace(found, manifest=kept, rejections=[*found.rejections, *late])
        written = write_index(job, store, artefact, whole, filled)
        store.switch(job.index, fingerprint=artefact.record.fingerprint)
    done = Embedded(
        scan=whole,
        fates=written.fates | {"rejected": len(whole.rejections)},
        removed=written.removed,
        others=written.others,
        fingerprint=artefact.record.fingerprint,
    )
    _write_outcome(job, done)
    return done


def rejections_table(job: EmbedJob) -> Path:
    """Return where a job writes what it rejects."""
    return Path(job.out) / "rejections.parquet"


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


def _write_outcome(job: EmbedJob, done: Embedded) -> None:
    write_rejections(rejections_table(job), done.scan.rejections)
    summary = {
        "index": job.index,
        "fingerprint": done.fingerprint,
        "listed": done.scan.listed,
        "fates": done.fates,
        "removed": done.removed,
        "others": done.others,
        "rejections": dict(Counter(rejection.reason for rejection in done.scan.rejections)),
    }
    write_text_atomically(Path(job.out) / "summary.json", json.dumps(summary, indent=2) + "\n")
