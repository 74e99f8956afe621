"""The service against the bare loop: 32 clients that send JPEGs, and the tail at half that load.

The bare loop decodes and embeds the same images in one process, batch by batch, with all cores.
The model costs what a ViT-Tiny does (light), and what a ViT-Base does (heavy), the smallest vision
tower among the published models of this architecture. With 0 images a model is left out.
"""

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from _cpu import CpuTime
from _load import data_uri, load, throughput, turns, warm_up
from _service import service
from _setting import arguments, realistic_backbone, report, untrained, write_images

from samesense.artefact.folder import Artefact, load_artefact
from samesense.corpus.decode import DecodeLimits, Rejected, decode

CLIENTS, BATCH = 32, 32
PARTS = {
    "embedder": ":embedder",
    "http": "samesense.cli.main serve",
    "renderer": ":renderer",
    "controller": "ServeController",
    "raylet": "raylet/raylet",
}
"""What a request passes, and how its process is named."""
WIDTHS = {"light": 192, "heavy": 768}


class BareLoop:
    """Decodes and embeds images batch by batch; keeps the seconds of each batch."""

    def __init__(self, artefact: Artefact) -> None:
        """Load the model."""
        self.encoder, self.batches_s = artefact.encoder(), list[float]()

    def throughput(self, images: list[bytes]) -> float:
        """Return images a second."""
        started = time.perf_counter()
        for start in range(0, len(images), BATCH):
            begun = time.perf_counter()
            decoded = [decode(one, limits=DecodeLimits()) for one in images[start : start + BATCH]]
            self.encoder.embed_images([one for one in decoded if not isinstance(one, Rejected)])
            self.batches_s.append(time.perf_counter() - begun)
        return len(images) / (time.perf_counter() - started)


def measure(name: str, place: Path, *, images: int, backbone: str) -> None:
    """Run both over the same images, in turns, so that both meet the same pace of the machine."""
    artefact = untrained(place / "model", backbone=backbone)
    folder = write_images(place / "images", count=images, side_px=224)
    files = [path.read_bytes() for path in sorted(Path(folder).rglob("*.jpg"))]
    bodies = [{"input": data_uri(data)} for data in files]
    bare = BareLoop(load_artefact(artefact.folder))
    bare.throughput(files[:BATCH])
    rates, spent = [], Counter[str]()
    for turn in turns(images):
        bare_rate = bare.throughput(files[turn])
        with service(place, artefact) as url:
            warm_up(url, bodies, clients=CLIENTS)
            with CpuTime(*PARTS.values()) as cpu:
                rates.append((throughput(url, bodies[turn], clients=CLIENTS), bare_rate))
            spent.update(cpu.seconds)
            served, alone = (statistics.harmonic_mean(one) for one in zip(*rates, strict=True))
            if turn.stop == images:
                answers = asyncio.run(load(url, bodies, clients=CLIENTS, rate=served / 2))
    half = sorted(answer.seconds for answer in answers)
    batch_s = statistics.median(bare.batches_s)
    report(
        f"serve.throughput_{name}",
        ratio=served / alone,
        bar=0.85,
        images=images,
        clients=CLIENTS,
        images_per_second=served,
        images_per_second_bare=alone,
        **{f"{part}_cpu_ms": 1000 * spent[name] / images for part, name in PARTS.items()},
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
    given = arguments(__doc__ or "", light=1024, heavy=512)
    with tempfile.TemporaryDirectory() as folder:
        for name, images in (("light", given.light), ("heavy", given.heavy)):
            if images:
                place = Path(folder) / name
                backbone = given.backbone or realistic_backbone(place / "b", width=WIDTHS[name])
                measure(name, place, images=images, backbone=backbone)
