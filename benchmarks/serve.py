"""The service against the bare loop: 32 clients that send JPEGs, and the tail at half that load.

The bare loop decodes and embeds the same images in one process, batch by batch, with all cores.
"""

import asyncio
import base64
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp
from _setting import arguments, realistic_backbone, report, untrained, write_images
from ray import serve

from samesense.artefact.folder import Artefact, load_artefact
from samesense.cli.cluster import cluster
from samesense.core.options import validate
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.index.store import open_store
from samesense.serving.app import build_app
from samesense.serving.options import ServeOptions

CLIENTS, BATCH = 32, 32
PORT = 8127
URL = f"http://127.0.0.1:{PORT}/v1/embeddings"


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


async def load(images: list[bytes], *, clients: int, rate: float | None = None) -> list[float]:
    """Send every image, by so many clients at once or at a rate; return seconds of each answer."""
    bodies = ["data:image/jpeg;base64," + base64.b64encode(data).decode() for data in images]
    waiting = list(enumerate(bodies))
    seconds: list[float] = []
    async with aiohttp.ClientSession() as session:

        async def ask(body: str) -> None:
            started = time.perf_counter()
            async with session.post(URL, json={"input": body}) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            seconds.append(time.perf_counter() - started)

        async def client() -> None:
            while waiting:
                await ask(waiting.pop()[1])

        if rate is None:
            await asyncio.gather(*(client() for _ in range(clients)))
        else:
            tasks = []
            for _, body in waiting:
                tasks.append(asyncio.create_task(ask(body)))
                await asyncio.sleep(1 / rate)
            await asyncio.gather(*tasks)
    return seconds


def measure(place: Path, *, images: int, backbone: str | None) -> None:
    """Run both over the same images."""
    backbone = backbone or realistic_backbone(place / "backbone")
    artefact = untrained(place / "model", backbone=backbone)
    folder = write_images(place / "images", count=images, side_px=224)
    files = [path.read_bytes() for path in sorted(Path(folder).rglob("*.jpg"))]
    bare, batch_s = bare_loop(load_artefact(artefact.folder), files)
    milvus = str(place / "milvus.db")
    with open_store(milvus) as store:
        store.build("empty", domain="d", fingerprint=artefact.record.fingerprint, width=8)
    options = validate(
        {"milvus": milvus, "models": {"default": {"folder": str(artefact.folder)}}},
        kind=ServeOptions,
    )
    with cluster():
        serve.start(http_options={"host": "127.0.0.1", "port": PORT})
        serve.run(build_app(options), name="benchmark")
        asyncio.run(load(files[: 4 * CLIENTS], clients=CLIENTS))
        started = time.perf_counter()
        seconds = asyncio.run(load(files, clients=CLIENTS))
        served = len(seconds) / (time.perf_counter() - started)
        half = sorted(asyncio.run(load(files, clients=CLIENTS, rate=served / 2)))
        serve.shutdown()
    report(
        "serve.throughput",
        ratio=served / bare,
        bar=0.85,
        images=images,
        clients=CLIENTS,
        images_per_second=served,
        images_per_second_bare=bare,
    )
    p99 = half[int(0.99 * len(half))]
    report(
        "serve.tail",
        ratio=p99 / batch_s,
        bar=3,
        p99_ms=1000 * p99,
        median_ms=1000 * statistics.median(half),
        batch_ms=1000 * batch_s,
        images_per_second=served / 2,
    )


if __name__ == "__main__":
    given = arguments(__doc__ or "", images=2000)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), images=given.images, backbone=given.backbone)
