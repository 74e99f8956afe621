"""One block of a small corpus as a task, and its way through the steps."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from samesense.artefact.folder import Artefact
from samesense.bulk.blocks import Block, Committed
from samesense.bulk.commit import CommitBlock
from samesense.bulk.encode import EncodeBlock
from samesense.bulk.export import Origin
from samesense.bulk.listing import write_listing
from samesense.bulk.options import BulkEncodeOptions
from samesense.bulk.prepare import PrepareBlock
from samesense.bulk.task import EmbedTask
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.options import CorpusOptions
from samesense.corpus.sources.row import Row
from samesense.index.store import Store
from tests.integration.embedding_jobs import rows_of

SIZES = {"domains": 2, "concepts": 2, "each": 3}
IMAGES = 2 * 2 * 3


def listed(folder: Path) -> list[Row]:
    return list(list_rows(CorpusOptions(uri=str(folder))))


def make_task(
    place: Path, artefact: Artefact, store: Store, rows: Sequence[Row], *, parquet: bool = False
) -> EmbedTask:
    """A task with a listing of one block."""
    shutil.rmtree(place / "listing", ignore_errors=True)
    listing = write_listing(place / "listing", iter(rows), rows_per_block=100)
    view = artefact.recipe.vector["image"]
    fingerprint, width = artefact.record.fingerprint, artefact.aligner().widths[view]
    return EmbedTask(
        model=str(artefact.folder),
        view=view,
        tower_fingerprint=artefact.tower_fingerprint(view),
        cache=str(place / "cache"),
        out=str(place / "out"),
        origin=Origin(fingerprint, str(artefact.folder), str(place / "photos"), width),
        listing=listing,
        limits=DecodeLimits(),
        encode=BulkEncodeOptions(images_per_forward=5, threads_per_actor=1),
        patience_s=5,
        parquet=parquet,
        milvus=store.address,
        collections={
            domain: store.build("i", domain=domain, fingerprint=fingerprint, width=width).contents
            for domain in listing.domains
        },
    )


def run(task: EmbedTask) -> tuple[Block, Committed]:
    """Return the block as it was prepared, and what became of it."""
    prepared = PrepareBlock(task)(0)
    batches = list(prepared.batches)
    committed = CommitBlock(task)(EncodeBlock(task, device="cpu")(prepared))
    prepared.batches = batches
    return prepared, committed


def found_in(store: Store, artefact: Artefact) -> dict[str, tuple[str, str]]:
    rows = rows_of(store, "i", fingerprint=artefact.record.fingerprint)
    return {row[0]: row[1:3] for row in rows.values()}
