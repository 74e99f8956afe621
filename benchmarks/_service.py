"""A service of one model by the command, for the length of a measurement."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _server import server

from samesense.artefact.folder import Artefact
from samesense.index.store import open_store


@contextmanager
def service(
    place: Path, artefact: Artefact, *, items_per_forward: int | None = None
) -> Iterator[str]:
    """Serve a model beside an empty index, and yield the address that embeds."""
    milvus = str(place / "milvus.db")
    with open_store(milvus) as store:
        store.build("empty", domain="d", fingerprint=artefact.record.fingerprint, width=8)
    # One process a core, each on one thread, as docs/serving.md says for machines without a GPU.
    cores = os.cpu_count() or 1
    models = {
        "default": {
            "folder": str(artefact.folder),
            "replicas": {"least": cores, "most": cores},
            "forward": {"items_per_forward": items_per_forward},
        }
    }
    words = ["serve", "--milvus", milvus, "--set", f"models={json.dumps(models)}"]
    command = [sys.executable, "-m", "samesense.cli.main", *words]
    with server(command, health="/v1/health/live") as address:
        yield f"{address}/v1/embeddings"
