"""The first step: which rows of a block need a vector, and their images, ready for the tower."""

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from PIL import Image

from samesense.bulk.blocks import Batch, Block, Cost
from samesense.bulk.ledger import Entry, Fate
from samesense.bulk.task import EmbedTask
from samesense.core.errors import CorpusError
from samesense.core.hashing import hash_bytes
from samesense.corpus.decode import Rejected, decode
from samesense.corpus.sources.fetching import read_row
from samesense.corpus.sources.row import Row
from samesense.index.collection import Collection
from samesense.index.naming import Contents
from samesense.index.rows import Known
from samesense.index.store import Store
from samesense.vectors.cache import VectorCache

if TYPE_CHECKING:
    from samesense.encoder.towers.tower import Renderer

READ_AHEAD_FACTOR = 2
CACHE_AGE_S = 60.0
"""What other processes put into the cache meanwhile is encoded twice, which is harmless."""
ROWS_OF_AN_OUTAGE = 8
PASSING = "unreadable"
"""The one reason that says nothing of the image itself: its row in the index stays."""


@dataclass
class _Work:
    """A block while it is prepared."""

    rows: list[Row]
    here: dict[str, Known]
    """Id → what the collection that is written to knows of it."""
    block: Block
    pending: dict[str, Image.Image] = field(default_factory=dict)
    """Content hash → picture of the next forward."""


class PrepareBlock:
    """Fetch, decode and render what a block needs: CPU work, no weights."""

    def __init__(self, task: EmbedTask) -> None:
        """Say what job it is; files and connections are opened when they are needed."""
        self.task = task

    def load(self) -> None:
        """Load what renders now, not with the first image."""
        _ = self._renderer

    def __call__(self, number: int) -> Block:
        """Return the block with the images that the tower has to see.

        Raises:
            CorpusError: if no image of the block can be read: the store is down.
            StoreError: if the index does not answer.
        """
        rows, kept = self._rows(number)
        block = Block(number=number, entries=kept, written=[], exported=[], stale={})
        with _timed(block.cost, "look up"):
            work = _Work(rows, here=self._known(rows, self.task.collections), block=block)
            unread = self._settle_known(work)
        with ThreadPoolExecutor(self.task.encode.reads_per_renderer) as pool:
            self._read(work, unread, pool)
        self._render(work)
        self._refuse_outage(unread, block)
        return block

    def _rows(self, number: int) -> tuple[list[Row], list[Entry]]:
        """The rows to work on, and the entries that stay as they are."""
        rows = self.task.listing.read(number)
        if not self.task.only_rejected:
            return rows, []
        entries = self.task.ledger.read(number)
        kept = [entry for entry in entries if entry.fate != "rejected"]
        settled = {entry.id for entry in kept}
        return [row for row in rows if row.id not in settled or row.fault is not None], kept

    def _settle_known(self, work: _Work) -> list[Row]:
        """Settle the rows whose content is known without reading it; return the others."""
        elsewhere = self._known(
            [row for row in work.rows if not _same(row, work.here.get(row.id))], self.task.memories
        )
        known = {
            row.id: before.content_hash
            for row in work.rows
            if (before := _recent(row, work.here, elsewhere)) is not None
        }
        lacking = set(self._missing(sorted(set(known.values()))))
        unread = []
        for row in work.rows:
            key = known.get(row.id)
            if row.fault is not None:
                self._reject(work, row, row.fault)
            elif key is None or (key in lacking and self._needs_vector(row, work)):
                unread.append(row)
            else:
                self._accept(work, row, key)
        return unread

    def _needs_vector(self, row: Row, work: _Work) -> bool:
        return self.task.parquet or self._needs_writing(row, work)

    def _needs_writing(self, row: Row, work: _Work) -> bool:
        before = work.here.get(row.id)
        return self.task.milvus is not None and not (_same(row, before) and self._owns(before))

    def _read(self, work: _Work, rows: Sequence[Row], pool: ThreadPoolExecutor) -> None:
        cost = work.block.cost
        ahead = READ_AHEAD_FACTOR * self.task.encode.reads_per_renderer
        outcomes = _ahead(pool, lambda row: read_row(row, limits=self.task.limits), rows, ahead)
        for row in rows:
            with _timed(cost, "fetch"):
                data = next(outcomes)
            if isinstance(data, Rejected):
                self._reject(work, row, data)
                continue
            cost.bytes += len(data)
            with _timed(cost, "decode"):
                self._take(work, row, data)

    def _take(self, work: _Work, row: Row, data: bytes) -> None:
        key = hash_bytes(data)
        rendered = any(key in batch.keys for batch in work.block.batches)
        if key not in work.pending and not rendered and self._missing([key]):
            picture = decode(data, limits=self.task.limits)
            if isinstance(picture, Rejected):
                self._reject(work, row, picture)
                return
            work.pending[key] = picture
        self._accept(work, row, key)
        if len(work.pending) == self.task.encode.images_per_forward:
            self._render(work)

    def _render(self, work: _Work) -> None:
        pictures = dict(work.pending)
        work.pending.clear()
        if pictures:
            with _timed(work.block.cost, "decode"):
                self._render_together(work, pictures)

    def _render_together(self, work: _Work, pictures: dict[str, Image.Image]) -> None:
        """Make a batch of pictures; if that fails, of each alone, so that a bad one is found."""
        renderer = self._renderer
        try:
            inputs = pickle.dumps(renderer.prepare_images(list(pictures.values())), 5)
        except Exception as error:  # whatever an image processor raises on what it cannot take
            if len(pictures) > 1:
                for key, picture in pictures.items():
                    self._render_together(work, {key: picture})
            else:
                self._withdraw(work, next(iter(pictures)), Rejected("not_rendered", _told(error)))
            return
        work.block.batches.append(Batch(keys=list(pictures), inputs=inputs))

    def _accept(self, work: _Work, row: Row, key: str) -> None:
        block, before = work.block, work.here.get(row.id)
        unchanged = before is not None and before.content_hash == key
        fate: Fate = "unchanged" if unchanged else "embedded"
        position = len(block.entries)
        block.entries.append(_entry(row, content_hash=key, fate=fate))
        if self._needs_writing(row, work):
            block.written.append(position)
        if self.task.parquet:
            block.exported.append(position)

    def _reject(self, work: _Work, row: Row, why: Rejected) -> None:
        entry = _entry(row, fate="rejected")
        work.block.entries.append(replace(entry, reason=why.reason, detail=why.detail))
        if why.reason != PASSING:
            self._clear(work, entry)

    def _withdraw(self, work: _Work, key: str, why: Rejected) -> None:
        """Reject the rows of a content that were accepted before it was rendered."""
        for position, entry in enumerate(work.block.entries):
            if entry.content_hash == key and entry.fate != "rejected":
                work.block.entries[position] = replace(
                    entry, fate="rejected", reason=why.reason, detail=why.detail
                )
                self._clear(work, entry)

    def _clear(self, work: _Work, entry: Entry) -> None:
        """Have the index forget what it knows of a row."""
        if self._owns(work.here.get(entry.id)):
            work.block.stale.setdefault(entry.domain, []).append(entry.id)

    def _owns(self, before: Known | None) -> bool:
        return before is not None and before.corpus == self.task.origin.corpus

    def _refuse_outage(self, unread: Sequence[Row], block: Block) -> None:
        told = [entry.detail for entry in block.entries if entry.reason == PASSING]
        if len(unread) >= ROWS_OF_AN_OUTAGE and len(told) == len(unread):
            raise CorpusError(
                f"{self.task.origin.corpus}: none of {len(unread)} images in a row could be read, "
                f"the first because: {told[0]}. What was finished is kept: mend it and run the "
                "same command again"
            )

    def _known(self, rows: Sequence[Row], contents: dict[str, Contents]) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for domain, one in contents.items():
            ids = [row.id for row in rows if row.domain == domain and row.fault is None]
            if ids:
                found |= Collection(one, self._store.connection).known(ids)
        return found

    def _missing(self, keys: Sequence[str]) -> list[str]:
        return self._cache.missing(keys, as_of_s=CACHE_AGE_S)

    @cached_property
    def _store(self) -> Store:
        return self.task.open_store()

    @cached_property
    def _cache(self) -> VectorCache:
        return VectorCache(self.task.cache, fingerprint=self.task.tower_fingerprint)

    @cached_property
    def _renderer(self) -> "Renderer":
        # A pass that finds every vector in the cache never loads what renders.
        from samesense.artefact.folder import load_artefact
        from samesense.encoder.towers.build import build_renderer

        recipe = load_artefact(self.task.model).recipe
        return build_renderer(recipe.towers()[recipe.views[self.task.view].blocks[0]])


def _same(row: Row, before: Known | None) -> bool:
    """Tell whether the index knows a row as it is now."""
    return (
        before is not None
        and row.revision != ""
        and (before.revision, before.uri, before.label) == (row.revision, row.uri, row.label)
    )


def _recent(row: Row, *memories: dict[str, Known]) -> Known | None:
    """What is known of the content that a row has now."""
    found = (memory.get(row.id) for memory in memories)
    return next(
        (one for one in found if one and row.revision and one.revision == row.revision), None
    )


def _entry(row: Row, *, fate: Fate, content_hash: str = "") -> Entry:
    return Entry(
        id=row.id,
        uri=row.uri,
        domain=row.domain,
        label=row.label,
        fate=fate,
        content_hash=content_hash,
        revision=row.revision,
    )


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _ahead(
    pool: ThreadPoolExecutor,
    read: Callable[[Row], bytes | Rejected],
    rows: Sequence[Row],
    window: int,
) -> Iterator[bytes | Rejected]:
    """Yield what ``read`` makes of each row in order, with at most ``window`` under way."""
    left = iter(rows)
    running: deque[Future[bytes | Rejected]] = deque(
        pool.submit(read, row) for row in islice(left, window)
    )
    while running:
        yield running.popleft().result()
        running.extend(pool.submit(read, row) for row in islice(left, 1))


@contextmanager
def _timed(cost: Cost, stage: str) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        cost.seconds[stage] += time.monotonic() - started
