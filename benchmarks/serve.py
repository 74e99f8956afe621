"""The service against the bare loop: 32 clients that send JPEGs, and the tail at half that load.

The bare loop decodes and embeds the same images in one process, batch by batch, with all cores.
The model costs what a ViT-Tiny does (light), and what a ViT-Base does (heavy), the smallest vision
tower among the published models of this architecture. With 0 images a model is left out.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from _cpu import CpuTime
from _load import UNCOUNTED, data_uri, load, throughput
from _service import service
from _setting import arguments, realistic_backbone, report, untrained, write_images

from samesense.artefact.folder import Artefact, load_artefact
from samesense.corpus.decode import DecodeLimits, Rejected, decode

CLIENTS, BATCH = 32, 32
PARTS = {
    "embedder": "ServeReplica:embedder",
    "http": "samesense.cli.main serve",
    "renderer": "ServeReplica:renderer",
    "controller": "ServeController",
    "raylet": "raylet/raylet",
}
"""What a request passes, and how its process is named."""
WIDTHS = {"light": 192, "heavy": 768}


def bare_loop(artefact: Artefact, images: list[bytes]) -> tuple[float, float]:
    """Return images a second, and the seconds of one batch."""
    encoder = artefact.encoder()
    pictures = [decode(data, limits=DecodeLimits()) for data in images[:BATCH]]
    encoder.embed_images([p for p in pictures if not isinstance(p, Rejected)])
    started, batches = time.perf_counter(), []
    for start in range(0, len(images), BATCH):
        begun = time.perf_counter()
        decoded = [decode(data, limits=DecodeLimits()) for data in images[start : start + BATCH]]
        encoder.embed_images([p for p in decoded if not isinstance(p, Rejected)])
        batches.append(time.perf_counter() - begun)
    return len(images) / (time.perf_counter() - started), statistics.median(batches)


def measure(name: str, place: Path, *, images: int, backbone: str) -> None:
    """Run both over the same images."""
    artefact = untrained(place / "model", backbone=backbone)
    folder = write_images(place / "images", count=images, side_px=224)
    files = [path.read_bytes() for path in sorted(Path(folder).rglob("*.jpg"))]
    bodies = [{"input": data_uri(data)} for data in files]
    bare, batch_s = bare_loop(load_artefact(artefact.folder), files)
    with service(place, artefact) as url:
        with CpuTime(*PARTS.values()) as spent:
            served = throughput(url, bodies, clients=CLIENTS)
        half = sorted(asyncio.run(load(url, bodies, clients=CLIENTS, rate=served / 2)))
    asked = len(bodies) + len(bodies[:UNCOUNTED])
    report(
        f"serve.throughput_{name}",
        ratio=served / bare,
        bar=0.85,
        images=images,
        clients=CLIENTS,
        images_per_second=served,
        images_per_second_bare=bare,
        **{f"{part}_cpu_ms": 1000 * spent.seconds[name] / asked for part, name in PARTS.items()},
    )
    p99 = half[int(0.99 * len(half))]
    report(
        f"serve.tail_{name}",
        ratio=p99 / batch_s,
        bar=3,
        p99_ms=1000 * p99,
        median_ms=1000 * statistics.median(half),
        batch_ms=1000 * batch_s,
        images_per_second=served / 2,
    )


if __name__ == "__main__":
    given = arguments(__doc__ or "", light=1000, heavy=300)
    with tempfile.TemporaryDirectory() as folder:
        for name, images in (("light", given.light), ("heavy", given.heavy)):
            if images:
                place = Path(folder) / name
                backbone = given.backbone or realistic_backbone(place / "b", width=WIDTHS[name])
                measure(name, place, images=images, backbone=backbone)
