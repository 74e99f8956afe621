"""A bucket to vectors to Milvus, against the bare loop on local files.

The bare loop is that of ``embed.py``: one process, the same tower, threads and forwards, local
files, no index; the model costs what a ViT-Tiny does (light), and what a ViT-Base does (heavy), the
smallest vision tower among the published models of this architecture. A change of the alignment
alone is set against the heavy first pass. With 0 images a model is left out.
"""

import tempfile
import time
from pathlib import Path

import torch
from _s3 import s3_server
from _setting import arguments, realistic_backbone, report, untrained, write_images
from embed import bare_loop

from samesense.artefact.folder import Artefact, load_artefact, save_artefact
from samesense.bulk.embed import Embedded, embed_corpus
from samesense.bulk.options import EmbedJob
from samesense.cli.cluster import cluster
from samesense.core.options import validate
from samesense.corpus.scan import scan

TINY_WIDTH, BASE_WIDTH = 192, 768


def realigned(artefact: Artefact, folder: Path) -> Artefact:
    """Return the same model with another alignment."""
    encoder = artefact.encoder()
    with torch.no_grad():
        for weight in encoder.blocks["align"].parameters():
            weight.add_(0.01)
    return save_artefact(folder, recipe=artefact.recipe, encoder=encoder, metrics={}, provenance={})


def embed(
    place: Path, corpus: str, artefact: Artefact, *, milvus: str | None = None
) -> tuple[Embedded, float]:
    """Embed a bucket as every command does; return what was done, and the seconds."""
    started = time.monotonic()
    options = {
        "cache": place / "cache",
        "milvus": milvus or place / "milvus.db",
        "out": place / "out",
    }
    job = validate(
        {"model": str(artefact.folder), "corpus": corpus, "index": f"images_{place.name}"}
        | {name: str(path) for name, path in options.items()},
        kind=EmbedJob,
    )
    done = embed_corpus(job)
    return done, time.monotonic() - started


def speed(name: str, place: Path, *, corpus: str, local: Path, artefact: Artefact) -> float:
    """Compare the first pass and the bare loop, and return the seconds of the first pass."""
    manifest = scan(str(local)).manifest
    images = len(manifest)
    with cluster():
        done, ours_s = embed(place, corpus, artefact)
    assert (done.fates["embedded"], done.encoded) == (images, images)
    bare_s = bare_loop(manifest, load_artefact(artefact.folder), place / "bare")
    report(
        name,
        ratio=bare_s / ours_s,
        bar=0.9,
        images=images,
        images_per_second=images / ours_s,
        images_per_second_bare=images / bare_s,
    )
    return ours_s


def realign(place: Path, *, corpus: str, artefact: Artefact, first_s: float) -> None:
    """Compare the first pass, done before in this place, and a change of the alignment alone."""
    with cluster():
        again, again_s = embed(place, corpus, realigned(artefact, place / "other"))
    assert (again.encoded, again.bytes) == (0, 0)
    report(
        "bulk.realign",
        ratio=first_s / again_s,
        bar=50,
        images=again.fates["embedded"],
        seconds_first=first_s,
        seconds_again=again_s,
    )


def measure(place: Path, *, light: int, heavy: int, backbone: str | None) -> None:
    """Fill a bucket and run both models over it."""
    counts = {name: count for name, count in (("light", light), ("heavy", heavy)) if count}
    for name, count in counts.items():
        write_images(place / "bucket" / name, count=count, side_px=224)
    widths = {"light": TINY_WIDTH, "heavy": BASE_WIDTH}
    with s3_server(place / "bucket") as bucket:
        for name in counts:
            given = backbone or realistic_backbone(place / f"{name}_tower", width=widths[name])
            artefact = untrained(place / f"{name}_model", backbone=given)
            job, corpus = place / f"{name}_job", f"{bucket}/{name}"
            local = place / "bucket" / name
            first_s = speed(
                f"bulk.speed_{name}", job, corpus=corpus, local=local, artefact=artefact
            )
            if name == "heavy":
                realign(job, corpus=corpus, artefact=artefact, first_s=first_s)


if __name__ == "__main__":
    given = arguments(__doc__ or "", light=10_000, heavy=2000)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), **vars(given))
