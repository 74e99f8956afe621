"""``samesense embed``: a corpus into an index."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from samesense.bulk.options import EmbedJob
    from samesense.bulk.state import Start
    from samesense.core.config import Located

CONFIG = typer.Option(
    None, "--config", "-c", help="An embedding job, such as jobs/configs/embed.yaml."
)
OVERRIDES = typer.Option(
    [], "--set", help="Replace one value, as key.path=value; may be given again."
)
MODEL = typer.Option(None, help="Folder of a training run or of its model.")
CORPUS = typer.Option(
    None,
    help="Folder or s3://bucket/prefix with images at `domain/class/file`, tar shards or Parquet "
    "tables; or a manifest (.parquet, .jsonl, .csv).",
)
INDEX = typer.Option(None, help="Name of the index.")
MILVUS = typer.Option(
    None, help="A local file (Milvus Lite), or the http address of a server; runs/milvus.db."
)
CACHE = typer.Option(None, help="Folder of the vector cache; runs/cache.")
OUT = typer.Option(None, help="Folder for ledger, rejections and summary; runs/embed.")
DEVICE = typer.Option(None, help="`cpu`, `gpu`, or `auto`, which takes a GPU if there is one.")
ACTORS = typer.Option(None, help="How many processes hold the tower; 1.")
RETRY = typer.Option(
    False, "--retry-rejected", help="Take the rows alone that the last run has rejected."
)
PRUNE = typer.Option(
    False, "--prune", help="Delete from the index what the corpus does not list any more."
)
FRESH = typer.Option(
    False, "--fresh", help="List the corpus anew, even if a run in `out` is unfinished."
)


def embed(
    config: Path | None = CONFIG,
    overrides: list[str] = OVERRIDES,
    model: str | None = MODEL,
    corpus: str | None = CORPUS,
    index: str | None = INDEX,
    milvus: str | None = MILVUS,
    cache: str | None = CACHE,
    out: str | None = OUT,
    device: str | None = DEVICE,
    actors: int | None = ACTORS,
    retry_rejected: bool = RETRY,
    prune: bool = PRUNE,
    fresh: bool = FRESH,
) -> None:
    """Embed every image of a corpus and put it into an index, one collection a domain.

    Every row has a fate: embedded, unchanged (nothing to do), or rejected with a reason. A killed
    run is simply started again: finished blocks are kept, and no image is indexed twice. A new
    model builds beside the one in service and takes over when all is written; the old one stays
    until `samesense index retire`.

    Example: `samesense embed --model runs/mine --corpus photos/ --index photos`
    """
    from samesense.bulk.options import EmbedJob
    from samesense.core.config import given_options
    from samesense.core.errors import ConfigError

    if retry_rejected and fresh:
        raise ConfigError("--retry-rejected and --fresh: give one of them")
    values = {
        "model": model,
        "corpus": corpus,
        "index": index,
        "milvus": milvus,
        "cache": cache,
        "out": out,
        "encode.device": device,
        "encode.actors": actors,
        "prune": prune or None,
    }
    loaded = given_options(config, kind=EmbedJob, overrides=overrides, values=values)
    _run(loaded, start="rejected" if retry_rejected else "fresh" if fresh else "continue")


def _run(loaded: "Located[EmbedJob]", *, start: "Start") -> None:
    from samesense.bulk.checks import check_job
    from samesense.cli.cluster import cluster, refuse_lost_paths
    from samesense.core.errors import StoppedError

    job = loaded.options
    with loaded.places.locate():
        refuse_lost_paths(out=job.out, cache=job.cache, milvus=job.milvus or "")
        check_job(job)

    from samesense.bulk.embed import embed_corpus
    from samesense.cli.embedded import print_embedded
    from samesense.training.stop import signals_interrupt

    try:
        with loaded.places.locate(), signals_interrupt(), cluster():
            done = embed_corpus(job, start=start)
    except KeyboardInterrupt:
        raise StoppedError("stopped; what was finished is kept, the same command goes on") from None
    print_embedded(job, done)
