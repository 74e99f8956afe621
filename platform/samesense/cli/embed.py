"""``samesense embed``: a corpus into an index."""

from pathlib import Path

import typer


def embed(
    model: str = typer.Option(..., help="Folder of a training run or of its model."),
    corpus: str = typer.Option(..., help="Folder `domain/class/file`, or a manifest."),
    index: str = typer.Option(..., help="Name of the index."),
    milvus: str = typer.Option(
        "runs/milvus.db", help="A local file (Milvus Lite), or the http address of a server."
    ),
    cache: str = typer.Option("runs/cache", help="Folder of the vector cache."),
    out: str = typer.Option("runs/embed", help="Folder for the summary and the rejections."),
    device: str = typer.Option("auto", help="`cpu`, `gpu`, or `auto`: a GPU if there is one."),
    actors: int = typer.Option(1, help="How many processes hold the tower."),
) -> None:
    """Embed every image of a corpus and put it into an index, one collection a domain.

    A killed run is simply started again: finished batches are kept, and no image is indexed twice.

    Example: `samesense embed --model runs/mine --corpus photos/ --index photos`
    """
    from samesense.bulk.options import EmbedJob
    from samesense.core.config import validated

    job = validated(
        EmbedJob,
        {
            "model": model,
            "corpus": corpus,
            "index": index,
            "milvus": milvus,
            "cache": cache,
            "out": out,
            "encode": {"device": device, "actors": actors},
        },
    )

    from samesense.cli.cluster import cluster, refuse_lost_paths

    refuse_lost_paths(out=job.out, cache=job.cache, milvus=job.milvus)

    from samesense.artefact.folder import load_artefact
    from samesense.bulk.embed import embed_corpus, rejections_table, scan_corpus
    from samesense.cli.tables import print_scan

    load_artefact(job.model)
    found = scan_corpus(job)
    with cluster():
        done = embed_corpus(job, found=found)
    print_scan(done.scan)
    print(f"fates       {done.fates}")
    print(f"removed     {done.removed} rows that the corpus no longer has")
    print(f"others      {done.others} rows of other corpora stay")
    print(f"index       {index} in {milvus}, model {done.fingerprint[:12]}")
    print(f"summary     {Path(out) / 'summary.json'}")
    print(f"rejections  {rejections_table(job)}")
    print(f"next        samesense search --index {index} --milvus {milvus} --image FILE")
