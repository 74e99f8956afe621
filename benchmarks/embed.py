"""A corpus to vectors through Ray Data, against the bare loop; and memory as the corpus grows.

The bare loop is one process that decodes, renders and runs the same tower on as many threads, with
as many images a forward. Both load the model, and both start from a manifest.
"""

import os
import tempfile
import time
from pathlib import Path

import torch
from _memory import PeakMemory
from _setting import arguments, realistic_backbone, report, untrained, write_images

from samesense.artefact.folder import Artefact, load_artefact
from samesense.bulk.fill import fill_image_vectors
from samesense.bulk.options import EncodeOptions
from samesense.cli.cluster import cluster
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.encoder.scratch import build_idefics3
from samesense.vectors.cache import VectorCache

MIB = 1 << 20
SAMPLE_EVERY_S = 0.5
OPTIONS = EncodeOptions()


def bare_loop(manifest: Manifest, artefact: Artefact, cache_root: Path) -> float:
    """Embed a manifest in this process; return the seconds that it took."""
    started = time.monotonic()
    torch.set_num_threads(os.cpu_count() or 1)
    encoder = load_artefact(artefact.folder).encoder()
    cache = VectorCache(cache_root, fingerprint=encoder.tower_fingerprint())
    view, renderer = encoder.options.vector["image"], encoder.renderer("image")
    uris, keys = list(manifest.column("uri")), list(manifest.column("content_hash"))
    with torch.inference_mode():
        for start in range(0, len(uris), OPTIONS.images_per_forward):
            end = start + OPTIONS.images_per_forward
            pictures = []
            for uri in uris[start:end]:
                picture = decode(Path(uri).read_bytes(), limits=DecodeLimits())
                assert not isinstance(picture, Rejected)
                pictures.append(picture)
            inputs = renderer.prepare_images(pictures)
            cache.put(keys[start:end], encoder.tower_vectors(view, inputs=inputs).numpy())
    return time.monotonic() - started


def through_ray(manifest: Manifest, artefact: Artefact, cache_root: Path) -> float:
    """Embed a manifest as every command does; return the seconds that it took."""
    started = time.monotonic()
    filled = fill_image_vectors(
        manifest,
        model=artefact.folder,
        cache_root=cache_root,
        limits=DecodeLimits(),
        options=OPTIONS,
    )
    assert filled.encoded == len(manifest)
    return time.monotonic() - started


def speed(place: Path, *, images: int, backbone: str | None) -> None:
    """Compare the two on images of photographic size."""
    artefact = untrained(
        place / "model", backbone=backbone or realistic_backbone(place / "backbone")
    )
    manifest = scan(write_images(place / "images", count=images, side_px=224)).manifest
    with cluster():
        ours = through_ray(manifest, artefact, place / "ours")
    bare = bare_loop(manifest, artefact, place / "bare")
    report(
        "embed.speed",
        ratio=bare / ours,
        bar=0.9,
        images=images,
        images_per_second=images / ours,
        images_per_second_bare=images / bare,
    )


def memory(place: Path, *, few: int, many: int) -> None:
    """Compare peaks over corpora of different size, with a small model on small images."""
    build_idefics3(place / "small", words=[], seed=0)
    artefact = untrained(place / "small-model", backbone=str(place / "small"))
    whole = scan(write_images(place / "many", count=many, side_px=48)).manifest
    peaks = {}
    for count in (few, many):
        rows = whole.take(range(count))
        with cluster(), PeakMemory() as watched:
            through_ray(rows, artefact, place / f"cache{count}")
        peaks[count] = watched.peak_bytes / MIB
    report(
        "embed.memory",
        ratio=peaks[many] / peaks[few],
        bar=1.1,
        images=many,
        peak_mib=peaks[many],
        images_few=few,
        peak_mib_few=peaks[few],
    )


if __name__ == "__main__":
    given = arguments(__doc__ or "", images=4000, few=10_000, many=40_000)
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder), images=given.images, backbone=given.backbone)
        memory(Path(folder), few=given.few, many=given.many)
