"""What every worker of an embedding job is told."""

from dataclasses import dataclass, field
from pathlib import Path

from samesense.bulk.export import Origin
from samesense.bulk.ledger import Ledger
from samesense.bulk.listing import Listing
from samesense.bulk.options import BulkEncodeOptions
from samesense.corpus.decode import DecodeLimits
from samesense.index.naming import Contents
from samesense.index.store import Store, open_store

LEDGER, LISTING, VECTORS = "ledger", "listing", "vectors"


@dataclass(frozen=True)
class EmbedTask:
    """A job, resolved: nothing in it depends on where a process runs."""

    model: str
    """Folder of the artefact."""
    view: str
    tower_fingerprint: str
    cache: str
    out: str
    origin: Origin
    """Model and corpus; by its URI the index remembers the owner of the rows."""
    listing: Listing
    limits: DecodeLimits
    encode: BulkEncodeOptions
    patience_s: float
    parquet: bool
    milvus: str | None = None
    """Where workers reach the index."""
    collections: dict[str, Contents] = field(default_factory=dict)
    """Domain → the collection that is written."""
    memories: dict[str, Contents] = field(default_factory=dict)
    """Domain → another model's collection, which knows the contents of objects seen before."""
    first_pass: bool = False
    """Whether no image has gone through the tower yet, so that it will surely be needed."""
    only_rejected: bool = False
    """Whether rows that are not rejected keep their fate."""

    @property
    def ledger(self) -> Ledger:
        """Where finished blocks are written down."""
        return Ledger(Path(self.out) / LEDGER)

    def open_store(self) -> Store:
        """Open the index from a worker: it was there when the job began, so it is waited for.

        Raises:
            StoreError: if it does not answer as long as patience lasts.
        """
        return open_store(
            str(self.milvus), patience_s=self.patience_s, start_patience_s=self.patience_s
        )
