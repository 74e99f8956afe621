"""The whole of an embedding job, as one typed tree."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from samesense.core.options import Options
from samesense.core.storage import local_path
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.objects import is_object
from samesense.corpus.sources.options import CorpusOptions
from samesense.encoder.options import Device
from samesense.index.options import FlatIndex, IndexOptions


def _by_uri(value: Any) -> Any:
    """Let a URI stand for a corpus of which no more need be said."""
    return {"uri": value} if isinstance(value, str) else value


def owner(corpus_uri: str) -> str:
    """Return the name by which an index knows a corpus, wherever a command was started."""
    return corpus_uri if is_object(corpus_uri) else str(local_path(corpus_uri))


class EncodeOptions(Options):
    """How the tower's workers are run."""

    actors: int = Field(default=1, ge=1)
    """How many processes hold the tower."""
    renderers_per_actor: int = Field(default=1, ge=1)
    """How many processes read, decode and render for each of them."""
    device: Device = "auto"
    """``gpu`` gives each actor one GPU; ``auto`` does where there are enough."""
    threads_per_actor: int | None = Field(default=None, ge=1)
    """CPU threads of each actor's forward; by default all cores."""
    images_per_forward: int = Field(default=32, ge=1)
    """How many images are rendered and encoded together."""


class BulkEncodeOptions(EncodeOptions):
    """How the workers of a bulk job are run."""

    idle_actors: int | None = Field(default=None, ge=1)
    """How few of ``actors`` are kept while there is little to do; by default all of them."""
    rows_per_block: int = Field(default=128, ge=1, le=100_000)
    """How many rows are fetched, encoded, written and accounted for together: what a killed worker
    does again. A block's rendered images are in memory at once, on both sides of the encoder."""
    reads_per_renderer: int = Field(default=16, ge=1)
    """How many files or objects a renderer reads at the same time."""
    writers: int = Field(default=1, ge=1)
    """How many processes align and write finished blocks."""
    retries_per_block: int = Field(default=8, ge=0)
    """How often a block is begun again whose worker died, for want of memory perhaps."""


class BuildJob(Options):
    """Build an index from vectors that are there."""

    kind: IndexOptions = FlatIndex()
    """How Milvus looks for neighbours."""


class EmbedJob(Options):
    """Embed a corpus with a trained model and put it into an index."""

    model: str
    """Folder of a training run or of its artefact."""
    corpus: Annotated[CorpusOptions, BeforeValidator(_by_uri)]
    """What to embed: a URI, or a mapping that also says where its paths say what."""
    domains: tuple[str, ...] | None = None
    """Embed these domains of the corpus alone; by default all."""
    index: str = Field(min_length=1)
    """Name of the index."""
    milvus: str | None = "runs/milvus.db"
    """A local file (Milvus Lite), the http address of a Milvus server, or null for none."""
    kind: IndexOptions = FlatIndex()
    """How Milvus looks for neighbours, for collections that this job makes."""
    switch: bool = True
    """Serve the model when all is written; ``samesense index switch`` does it later."""
    parquet: bool = False
    """Also write all vectors, with ids and metadata, as Parquet files under ``out``."""
    prune: bool = False
    """Delete the rows of this corpus that it no longer lists."""
    most_pruned: float = Field(default=0.1, ge=0, le=1)
    """The share of a domain's rows above which pruning is refused."""
    cache: str = "runs/cache"
    """Folder of the vector cache."""
    out: str = "runs/embed"
    """Where the ledger, the rejections and the summary are written."""
    limits: DecodeLimits = DecodeLimits()
    """What an image file may cost before it is rejected."""
    encode: BulkEncodeOptions = BulkEncodeOptions()
    """How the workers are run."""
    patience_s: float = Field(default=600.0, gt=0)
    """How long to wait for a Milvus server that is down in the middle of the job."""
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    """Also serve the metrics to Prometheus on this port of the loopback address."""

    @model_validator(mode="after")
    def _writes_somewhere(self) -> "EmbedJob":
        if self.milvus is None and not self.parquet:
            raise ValueError("milvus is null and parquet is false: nothing would be written")
        return self
