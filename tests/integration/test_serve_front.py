"""On a cluster the service stands behind Ray Serve's proxy, as a front."""

import socket
from pathlib import Path

import httpx
import numpy as np
import pytest
from ray import serve

from samesense.core.options import validate
from samesense.serving.app import build_app
from samesense.serving.options import ServeOptions
from tests.integration.serving import INDEX, Indexed, fill

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
WORDS = "a dog"


def test_a_front_embeds_and_searches(indexed: Indexed, ray_cluster: None, tmp_path: Path) -> None:
    milvus = str(tmp_path / "milvus.db")
    fill(milvus, INDEX, indexed.model, indexed.manifest)
    models = {"default": {"folder": str(indexed.model.folder)}}
    options = validate({"milvus": milvus, "models": models}, kind=ServeOptions)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    try:
        serve.run(build_app(options), name="front")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            embedded = client.post("/v1/embeddings", json={"input": WORDS})
            searched = client.post("/v1/search", json={"query": {"text": WORDS}, "index": INDEX})
    finally:
        serve.shutdown()
    assert embedded.status_code == 200, embedded.text
    found = np.array(embedded.json()["data"][0]["embedding"], dtype=np.float32)
    (expected,) = indexed.model.encoder().embed_texts([WORDS])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert searched.status_code == 200, searched.text
    assert len(searched.json()["hits"]) == 10
