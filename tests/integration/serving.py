"""An index of two models, and the service over it as a command of its own."""

import io
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image
from ray import serve

from samesense.artefact.folder import Artefact
from samesense.corpus.manifest import Manifest
from samesense.index.rows import IndexRows
from samesense.index.store import open_store
from samesense.serving.app import build_app
from samesense.serving.options import ServeOptions
from tests.fixtures.corpora import pattern_manifest
from tests.fixtures.trained_models import write_model

INDEX, OTHER_INDEX = "photos", "others"
FRIEND = "https://friend.example"
"""A web site whose pages may call the service."""
START_S, END_S = 240.0, 60.0


@dataclass(frozen=True)
class Indexed:
    """What is served: two models, each with an index of the same pictures."""

    milvus: str
    manifest: Manifest
    model: Artefact
    other: Artefact

    def uris(self, domain: str) -> list[str]:
        """Return the pictures of a domain."""
        return [str(uri) for uri in self.manifest.of(domains=(domain,)).column("uri")]


def write_indexes(place: Path, *, milvus: str | None = None) -> Indexed:
    """Make pictures, two models and their indexes, without Ray; by default in a local Milvus."""
    manifest = pattern_manifest(place / "photos", domains=3, concepts=4, each=6)
    model, other = (
        write_model(place / f"model{seed}", backbone=place / "backbone", seed=seed)
        for seed in (0, 1)
    )
    milvus = milvus or str(place / "milvus.db")
    for index, artefact in ((INDEX, model), (OTHER_INDEX, other)):
        fill(milvus, index, artefact, manifest)
    return Indexed(milvus, manifest, model, other)


def fill(milvus: str, index: str, artefact: Artefact, manifest: Manifest) -> None:
    """Embed pictures with a model, and serve them."""
    encoder, fingerprint = artefact.encoder(), artefact.record.fingerprint
    with open_store(milvus) as store:
        for domain in manifest.domains:
            part = manifest.of(domains=(domain,))
            uris = [str(uri) for uri in part.column("uri")]
            z_ND = encoder.embed_images([Image.open(uri) for uri in uris])
            collection = store.build(
                index,
                domain=domain,
                fingerprint=fingerprint,
                width=z_ND.shape[1],
                model=str(artefact.folder),
            )
            names = ("id", "label", "content_hash")
            ids, labels, hashes = ([str(v) for v in part.column(name)] for name in names)
            collection.upsert(IndexRows(ids, uris, labels, hashes, z_ND))
        store.switch(index, fingerprint=fingerprint)


@contextmanager
def serving(*words: str, output: Path) -> Iterator[str]:
    """Run ``samesense serve`` and yield its address; it must end in order.

    What it prints, a line for each request, goes to a file.
    """
    port = _free_port()
    command = [sys.executable, "-m", "samesense.cli.main", "serve", "--port", str(port), *words]
    with output.open("w") as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, output)
        yield address
        process.send_signal(signal.SIGINT)
        assert process.wait(END_S) == 0
    finally:
        process.kill()
        process.wait()


@contextmanager
def fronted(options: ServeOptions, *, name: str) -> Iterator[str]:
    """Run the application on this process's cluster, behind Ray's proxy, and yield its address."""
    port = _free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    try:
        serve.run(build_app(options), name=name)
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()


def jpeg(*, side_px: int = 64, colour: str = "teal") -> bytes:
    """Return a picture's file."""
    buffer = io.BytesIO()
    Image.new("RGB", (side_px, side_px), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _wait(address: str, process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(f"{address}/v1/health/ready", timeout=10).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"the service did not start: {output.read_text()[-3000:]}")
        time.sleep(0.3)
