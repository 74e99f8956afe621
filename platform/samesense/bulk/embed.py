"""An embedding job: list, embed block by block, reconcile index and ledger, switch."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import ray

from samesense.artefact.folder import Artefact, load_artefact
from samesense.bulk import state
from samesense.bulk.checks import check_not_empty
from samesense.bulk.export import Origin
from samesense.bulk.ledger import FATES
from samesense.bulk.listing import Listing, read_listing, write_listing
from samesense.bulk.options import EmbedJob, owner
from samesense.bulk.pipeline import run_blocks
from samesense.bulk.reconcile import (
    Compared,
    blocks_with,
    compare,
    prune,
    told_by_domain,
    unlisted_shards,
)
from samesense.bulk.rejected import any_accepted, refuse_all, write_rejections_table
from samesense.bulk.state import Start
from samesense.bulk.task import LISTING, EmbedTask
from samesense.bulk.watch import Totals, Watch
from samesense.core.errors import CorpusError, StoreError, did_you_mean
from samesense.core.progress import track_stream
from samesense.core.storage import write_text_atomically
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.row import Row
from samesense.index.connection import is_server, without_credentials
from samesense.index.naming import Contents
from samesense.index.store import Store, open_store
from samesense.vectors.cache import VectorCache

COLLECTIONS_AT_ONCE = 16
REPAIRS = 3
"""How often the rows are written again that an index has lost, before it is given up."""


@dataclass(frozen=True)
class Embedded:
    """The outcome of an embedding job."""

    listed: int
    fates: dict[str, int]
    """How many rows were embedded, unchanged and rejected; the sum is the listing."""
    reasons: dict[str, int]
    """Reason → how many rows were rejected for it."""
    encoded: int
    """On how many images the tower ran."""
    gone: int
    """How many rows the index had of this corpus that it does not list any more."""
    removed: int
    """How many of them were deleted."""
    others: int
    """How many rows of other corpora the same collections hold."""
    fingerprint: str
    """The model's fingerprint, under which the index serves."""
    seconds: float
    stage_seconds: dict[str, float]
    """Where the workers' time went."""
    bytes: int
    """How much was read from the corpus."""


def embed_corpus(job: EmbedJob, *, start: Start = "continue") -> Embedded:
    """Embed a corpus with a trained model and serve it under the index's name.

    Ray must be running. A run that was killed goes on when it is started again, unless ``start`` is
    ``fresh``; ``rejected`` takes the rows alone that a finished run has rejected.

    Raises:
        ArtefactError: if the model cannot be read.
        CorpusError: if the corpus cannot be listed, is empty, or all of it is rejected.
        StoreError: if the index cannot be reached, or does not keep what is written.
        BulkError: if workers keep dying, or rows were to be pruned that may not be gone.
    """
    artefact = load_artefact(job.model)
    fingerprint = artefact.record.fingerprint
    with ExitStack() as open_things:
        store = None
        if job.milvus is not None:
            store = open_things.enter_context(open_store(job.milvus, patience_s=job.patience_s))
            _refuse_local_index_on_many_machines(job.milvus)
        goes_on = state.begin(job, fingerprint=fingerprint, start=start)
        listing = _list(job, goes_on=goes_on)
        task = _task(job, artefact, listing, store, only_rejected=start == "rejected")
        if task.collections and job.switch and store is not None:
            store.check_switch(job.index, fingerprint=fingerprint)
        totals, compared, seconds = _run(job, task, store)
        write_rejections_table(job, task.ledger)
        if not any_accepted(task.ledger):
            state.finish(job, fingerprint=fingerprint)
            refuse_all(job, task.ledger, listing)
        removed = 0
        if job.prune:
            unlisted = unlisted_shards(task.ledger)
            if unlisted:
                state.finish(job, fingerprint=fingerprint)  # so that the next run lists anew
            removed = prune(compared, unlisted=unlisted, most=job.most_pruned)
        if store is not None and job.switch:
            # What the job has listed is all there, even if it is less than what was served.
            store.switch(job.index, fingerprint=fingerprint, least_share=0)
    done = _outcome(task, listing, totals, compared, removed, seconds)
    _write_summary(job, done)
    state.finish(job, fingerprint=fingerprint)
    return done


def _list(job: EmbedJob, *, goes_on: bool) -> Listing:
    check_not_empty(job.corpus)
    folder = Path(job.out) / LISTING
    listing = read_listing(folder) if goes_on else None
    if listing is not None:
        return listing
    there: set[str] = set()
    rows = track_stream(_wanted(list_rows(job.corpus), job, there), what="list")
    listing = write_listing(folder, rows, rows_per_block=job.encode.rows_per_block)
    for domain in job.domains or ():
        if domain not in there:
            raise CorpusError(
                f"{job.corpus.uri}: lists no domain '{domain}'.{did_you_mean(domain, there)}"
            )
    return listing


def _wanted(rows: Iterator[Row], job: EmbedJob, there: set[str]) -> Iterator[Row]:
    """Yield the rows of the domains that a job asks for; note which domains are there."""
    for row in rows:
        if row.fault is None:
            there.add(row.domain)
        if job.domains is None or row.fault is not None or row.domain in job.domains:
            yield row


def _task(
    job: EmbedJob,
    artefact: Artefact,
    listing: Listing,
    store: Store | None,
    *,
    only_rejected: bool,
) -> EmbedTask:
    view, aligner = artefact.recipe.vector["image"], artefact.aligner()
    tower_fingerprint = aligner.tower_fingerprint(view)
    width, fingerprint = aligner.widths[view], artefact.record.fingerprint
    model = str(artefact.folder.absolute())
    collections: dict[str, Contents] = {}
    memories: dict[str, Contents] = {}
    if store is not None:
        built = partial(
            store.build,
            job.index,
            fingerprint=fingerprint,
            width=width,
            model=model,
            options=job.kind,
        )
        # Milvus lets a client wait half a second for each.
        with ThreadPoolExecutor(COLLECTIONS_AT_ONCE) as pool:
            made = pool.map(lambda domain: built(domain=domain), listing.domains)
            collections = {one.contents.domain: one.contents for one in made}
        serving = store.release(job.index)
        if serving is not None and serving.fingerprint != fingerprint:
            memories = {one.domain: one for one in serving.contents if one.domain in collections}
    return EmbedTask(
        # Ray's processes may have another working directory.
        model=model,
        view=view,
        tower_fingerprint=tower_fingerprint,
        cache=str(Path(job.cache).absolute()),
        out=str(Path(job.out).absolute()),
        origin=Origin(fingerprint, model, owner(job.corpus.uri), width),
        listing=replace(listing, folder=listing.folder.absolute()),
        limits=job.limits,
        encode=job.encode,
        patience_s=job.patience_s,
        parquet=job.parquet,
        milvus=store.address if store else None,
        collections=collections,
        memories=memories,
        first_pass=VectorCache(job.cache, fingerprint=tower_fingerprint).width is None,
        only_rejected=only_rejected,
    )


def _run(
    job: EmbedJob, task: EmbedTask, store: Store | None
) -> tuple[Totals, list[Compared], float]:
    """Do all blocks that are left, and those whose rows the index turns out to lack."""
    counts = task.ledger.counts()
    finished = sum(sum(fates.values()) for fates in counts.values())
    numbers = [number for number in range(task.listing.blocks) if number not in counts]
    if task.only_rejected:
        numbers = [number for number, fates in counts.items() if fates["rejected"]]
        finished -= sum(sum(counts[number].values()) for number in numbers)
    with Watch(
        Path(job.out), rows=task.listing.rows, finished=finished, port=job.metrics_port
    ) as watch:
        for _ in range(REPAIRS):
            for done in run_blocks(task, numbers) if numbers else ():
                watch.add(done)
            compared = _compared(job, task, store)
            numbers = blocks_with(task.ledger, compared)
            if not numbers:
                return watch.totals, compared, watch.elapsed_s
            task.ledger.forget(numbers)
    raise StoreError(
        f"{without_credentials(str(job.milvus))}: index '{job.index}' does not keep what is "
        f"written: rows of {len(numbers)} blocks were missing after {REPAIRS} attempts; nothing "
        "was switched"
    )


def _compared(job: EmbedJob, task: EmbedTask, store: Store | None) -> list[Compared]:
    if store is None:
        return []
    told = told_by_domain(task.ledger)
    return [
        compare(collection, told.get(collection.contents.domain), corpus=task.origin.corpus)
        for collection in store.collections(job.index, fingerprint=task.origin.fingerprint)
        if job.domains is None or collection.contents.domain in job.domains
    ]


def _refuse_local_index_on_many_machines(milvus: str) -> None:
    machines = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    if not is_server(milvus) and len(machines) > 1:
        raise StoreError(
            f"{milvus}: a local index serves one machine, and this cluster has {len(machines)}: "
            "give the http:// address of a Milvus server"
        )


def _outcome(
    task: EmbedTask,
    listing: Listing,
    totals: Totals,
    compared: list[Compared],
    removed: int,
    seconds: float,
) -> Embedded:
    fates: Counter[str] = Counter()
    for counts in task.ledger.counts().values():
        fates.update(counts)
    return Embedded(
        listed=listing.rows,
        fates={fate: fates[fate] for fate in FATES},
        reasons=dict(Counter(entry.reason for entry in task.ledger.rejected()).most_common()),
        encoded=totals.encoded,
        gone=sum(len(one.gone) for one in compared),
        removed=removed,
        others=sum(one.others for one in compared),
        fingerprint=task.origin.fingerprint,
        seconds=seconds,
        stage_seconds={stage: round(spent, 3) for stage, spent in totals.seconds.items()},
        bytes=totals.bytes,
    )


def _write_summary(job: EmbedJob, done: Embedded) -> None:
    summary = {"index": job.index, "corpus": job.corpus.uri} | asdict(done)
    write_text_atomically(Path(job.out) / "summary.json", json.dumps(summary, indent=2) + "\n")
