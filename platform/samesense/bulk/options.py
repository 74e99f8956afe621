"""The whole of an embedding job, as one typed tree."""

from pydantic import Field

from samesense.core.options import Options
from samesense.corpus.decode import DecodeLimits
from samesense.encoder.options import Device


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


class EmbedJob(Options):
    """Embed a corpus with a trained model and put it into an index."""

    model: str
    """Folder of a training run or of its artefact."""
    corpus: str
    """A folder ``domain/class/file``, or a manifest (.parquet, .jsonl, .csv)."""
    index: str = Field(min_length=1)
    """Name of the index."""
    milvus: str = "runs/milvus.db"
    """A local file (Milvus Lite) or the http address of a Milvus server."""
    cache: str = "runs/cache"
    """Folder of the vector cache."""
    out: str = "runs/embed"
    """Where the summary and the rejections are written."""
    limits: DecodeLimits = DecodeLimits()
    """What an image file may cost before it is rejected."""
    encode: EncodeOptions = EncodeOptions()
    """How the tower's workers are run."""
