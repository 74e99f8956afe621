"""On a cluster the service stands behind Ray Serve's proxy, as a front."""

from pathlib import Path

import httpx
import numpy as np
import pytest

from samesense.core.options import validate
from samesense.serving.options import ServeOptions
from tests.integration.serving import INDEX, Indexed, fill, fronted

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
WORDS = "a dog"


def test_a_front_embeds_and_searches(indexed: Indexed, ray_cluster: None, tmp_path: Path) -> None:
    milvus = str(tmp_path / "milvus.db")
    fill(milvus, INDEX, indexed.model, indexed.manifest)
    models = {"default": {"folder": str(indexed.model.folder)}}
    options = validate({"milvus": milvus, "models": models}, kind=ServeOptions)
    with (
        fronted(options, name="front") as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        embedded = client.post("/v1/embeddings", json={"input": WORDS})
        searched = client.post("/v1/search", json={"query": {"text": WORDS}, "index": INDEX})
    assert embedded.status_code == 200, embedded.text
    found = np.array(embedded.json()["data"][0]["embedding"], dtype=np.float32)
    (expected,) = indexed.model.encoder().embed_texts([WORDS])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert searched.status_code == 200, searched.text
    assert len(searched.json()["hits"]) == 10
