"""A service of one model, for the length of a measurement."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ray import serve

from samesense.artefact.folder import Artefact
from samesense.cli.cluster import cluster
from samesense.core.options import validate
from samesense.index.store import open_store
from samesense.serving.app import build_app
from samesense.serving.options import ServeOptions

PORT = 8127


@contextmanager
def service(place: Path, artefact: Artefact) -> Iterator[str]:
    """Serve a model beside an empty index, and yield the address that embeds."""
    milvus = str(place / "milvus.db")
    with open_store(milvus) as store:
        store.build("empty", domain="d", fingerprint=artefact.record.fingerprint, width=8)
    # One process a core, each on one thread, as docs/serving.md says for machines without a GPU.
    cores = os.cpu_count() or 1
    model = {"folder": str(artefact.folder), "replicas": {"least": cores, "most": cores}}
    options = validate({"milvus": milvus, "models": {"default": model}}, kind=ServeOptions)
    with cluster():
        serve.start(http_options={"host": "127.0.0.1", "port": PORT})
        serve.run(build_app(options), name="benchmark")
        try:
            yield f"http://127.0.0.1:{PORT}/v1/embeddings"
        finally:
            serve.shutdown()
