"""The service as people meet it: over HTTP, with the clients that they have, in a browser."""

import base64
import io
import json
import struct
import subprocess
import sys
import uuid
import zlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.integration.serving import FRIEND, INDEX, OTHER_INDEX, Indexed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
TOLERANCE = 1e-5
SECRET = "what nobody should log"


def data_uri(path: str) -> str:
    return "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()


def post(address: str, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{address}{path}", json=body, timeout=60)


def test_vectors_are_those_of_the_encoder(service: str, indexed: Indexed) -> None:
    uri = indexed.uris("domain0")[0]
    encoder = indexed.model.encoder()
    expected = np.concatenate(
        [encoder.embed_texts(["a dog"]), encoder.embed_images([Image.open(uri)])]
    )
    answer = post(service, "/v1/embeddings", model=INDEX, input=["a dog", data_uri(uri)])
    found = [one["embedding"] for one in answer.json()["data"]]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    assert answer.json()["fingerprint"] == indexed.model.record.fingerprint


def test_the_openai_client_works_as_it_is(service: str, indexed: Indexed) -> None:
    import openai

    client = openai.OpenAI(base_url=f"{service}/v1", api_key="none needed here")
    expected = indexed.model.encoder().embed_texts(["a dog", "a horse"])
    for encoding in ("float", "base64"):
        answer = client.embeddings.create(
            model=INDEX, input=["a dog", "a horse"], encoding_format=encoding
        )
        found = [one.embedding for one in answer.data]
        if encoding == "base64":
            found = [np.frombuffer(base64.b64decode(one), "<f4") for one in found]
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    assert {INDEX, OTHER_INDEX} == {model.id for model in client.models.list()}
    with pytest.raises(openai.NotFoundError, match="no model 'gpt'"):
        client.embeddings.create(model="gpt", input="a")


def test_the_cohere_client_works_as_it_is(service: str, indexed: Indexed) -> None:
    import cohere

    client = cohere.ClientV2(base_url=service, api_key="none needed here")
    answer = client.embed(
        model=INDEX, texts=["a dog"], input_type="search_query", embedding_types=["float"]
    )
    expected = indexed.model.encoder().embed_texts(["a dog"])
    np.testing.assert_allclose(answer.embeddings.float_, expected, atol=TOLERANCE)
    uri = indexed.uris("domain0")[0]
    answer = client.embed(
        model=INDEX, images=[data_uri(uri)], input_type="image", embedding_types=["float"]
    )
    expected = indexed.model.encoder().embed_images([Image.open(uri)])
    np.testing.assert_allclose(answer.embeddings.float_, expected, atol=TOLERANCE)


def test_the_voyage_client_works_as_it_is(service: str, indexed: Indexed) -> None:
    import voyageai

    client = voyageai.Client(base_url=f"{service}/v1", api_key="none needed here")
    encoder = indexed.model.encoder()
    texts = client.embed(["a dog"], model=INDEX, input_type="query")
    np.testing.assert_allclose(texts.embeddings, encoder.embed_texts(["a dog"]), atol=TOLERANCE)
    picture = Image.open(indexed.uris("domain0")[0])
    pictures = client.multimodal_embed([[picture]], model=INDEX)
    np.testing.assert_allclose(pictures.embeddings, encoder.embed_images([picture]), atol=TOLERANCE)


def test_a_picture_finds_itself_first_however_it_is_sent(service: str, indexed: Indexed) -> None:
    uri = indexed.uris("domain1")[3]
    by_uri = post(service, "/v1/search", query={"image": data_uri(uri)}, index=INDEX, merge="raw")
    by_upload = httpx.post(
        f"{service}/v1/search",
        files={"image": Path(uri).read_bytes()},
        data={"request": json.dumps({"index": INDEX, "merge": "raw"})},
        timeout=60,
    )
    first = by_uri.json()["hits"][0]
    by_item = post(service, "/v1/search", query={"item": first["id"]}, index=INDEX, merge="raw")
    for answer in (by_uri, by_upload, by_item):
        hit = answer.json()["hits"][0]
        assert (hit["uri"], hit["domain"], hit["rank"]) == (uri, "domain1", 1)
        assert hit["score"] == pytest.approx(1, abs=1e-4)
    assert set(by_uri.json()["timings_ms"]) == {"fetch", "decode", "encode", "search", "merge"}


def test_pages_of_a_ranking_join_without_a_gap(service: str) -> None:
    def ids(**body: Any) -> list[str]:
        answer = post(service, "/v1/search", query={"text": "a"}, index=INDEX, **body)
        return [hit["id"] for hit in answer.json()["hits"]]

    for merge in ("calibrated", "raw", "rrf"):
        whole = ids(limit=72, merge=merge)
        assert len(set(whole)) == 72
        pages = [ids(limit=20, offset=offset, merge=merge) for offset in (0, 20, 40, 60, 80)]
        assert [one for page in pages for one in page] == whole


def test_domains_filters_and_thresholds_are_kept(service: str) -> None:
    answer = post(
        service,
        "/v1/search",
        query={"text": "a"},
        index=INDEX,
        source_domain="domain0",
        filter={"label": ["concept1", "concept2"]},
        group_by_domain=True,
        limit=50,
    ).json()
    assert [group["domain"] for group in answer["groups"]] == ["domain1", "domain2"]
    for group in answer["groups"]:
        assert len(group["hits"]) == 12
        assert {hit["label"] for hit in group["hits"]} == {"concept1", "concept2"}
        scores = [hit["score"] for hit in group["hits"]]
        assert scores == sorted(scores, reverse=True)
    least = scores[3]
    kept = post(
        service, "/v1/search", query={"text": "a"}, index=INDEX, threshold=least, limit=72
    ).json()["hits"]
    assert 0 < len(kept) < 72
    assert min(hit["score"] for hit in kept) >= least


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/v1/search", {"query": {"text": "a"}, "index": "photo"}, 404, "Did you mean 'photos'"),
        ("/v1/search", {"query": {"text": "a"}, "domains": ["domain"]}, 404, "domain0"),
        ("/v1/search", {"query": {"item": "none"}, "index": INDEX}, 404, "no item"),
        (
            "/v1/search",
            {"query": {"text": "a"}, "index": INDEX, "model": OTHER_INDEX},
            409,
            "model",
        ),
        ("/v1/search", {"query": {"vector": [1.0]}, "index": INDEX}, 422, "width 32"),
        (
            "/v1/search",
            {"query": {"vector": [1.0] * 32, "fingerprint": "c" * 64}, "index": INDEX},
            409,
            "model cccccccccccc",
        ),
        ("/v1/search", {"query": {"text": "a"}, "source": "domain0"}, 400, "'source_domain'"),
        ("/v1/search", {"query": {"text": "a"}, "source_domain": "domain"}, 404, "domain0"),
        ("/v1/embeddings", {"input": ["a", {"image": "aGVsbG8="}]}, 415, "input[1]"),
        ("/v1/embeddings", {"input": ["a"] * 17}, 413, "the limit is 16"),
        ("/v1/embeddings", {"input": "http://127.0.0.1/"}, 400, "fetches no addresses"),
        ("/v1/embeddings", {"input": 7}, 400, "input"),
        ("/v1/nothing", {}, 404, "/v1/nothing"),
    ],
)
def test_refusals_say_what_is_wrong(
    service: str, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    answer = post(service, path, **body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert says in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


def test_bodies_and_bombs_over_the_limit_are_refused(service: str) -> None:
    assert httpx.post(f"{service}/v1/embeddings", content=b" " * 33_000_000).status_code == 413
    bomb = base64.b64encode(_bomb()).decode()
    answer = post(service, "/v1/embeddings", input={"image": bomb})
    assert answer.status_code == 413
    assert "pixels" in answer.json()["error"]["message"]


def test_operations_answer(service: str) -> None:
    assert httpx.get(f"{service}/v1/health/live").json() == {"status": "live"}
    assert httpx.get(f"{service}/v1/health/ready").json() == {"status": "ready"}
    indexes = {one["name"]: one for one in httpx.get(f"{service}/v1/indexes").json()["data"]}
    assert {domain["count"] for domain in indexes[INDEX]["domains"]} == {24}
    assert indexes[OTHER_INDEX]["model"] == OTHER_INDEX
    assert 'samesense_requests_total{path="/v1/indexes"' in httpx.get(f"{service}/metrics").text
    points = httpx.get(f"{service}/v1/indexes/{INDEX}/map?limit=30").json()["points"]
    assert len(points) == 30
    picture = httpx.get(f"{service}/v1/items/{points[0]['id']}/thumbnail?index={INDEX}&side=64")
    assert picture.headers["content-type"] == "image/jpeg"
    assert "default-src 'self'" in picture.headers["content-security-policy"]
    assert httpx.get(f"{service}/openapi.json").json()["paths"]["/v1/search"]


def test_a_request_is_found_again_in_the_log(service: str, service_output: Path) -> None:
    name = uuid.uuid4().hex
    headers = {"X-Request-ID": name, "Authorization": f"Bearer {SECRET}"}
    body = {"query": {"text": f"words of {SECRET}"}, "index": INDEX}
    answer = httpx.post(f"{service}/v1/search", json=body, headers=headers, timeout=60)
    assert answer.headers["x-request-id"] == name
    printed = service_output.read_text()
    (ours,) = [json.loads(line) for line in printed.splitlines() if name in line]
    assert ours["request_id"] == name
    assert (ours["method"], ours["path"], ours["status"]) == ("POST", "/v1/search", 200)
    assert SECRET not in printed


def test_pages_of_a_site_that_is_named_may_call(service: str) -> None:
    for origin, allowed in ((FRIEND, FRIEND), ("https://stranger.example", None)):
        answer = httpx.get(f"{service}/v1/models", headers={"origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_without_a_key_nobody_outside_is_served(indexed: Indexed) -> None:
    command = [sys.executable, "-m", "samesense.cli.main", "serve", "--host", "0.0.0.0"]
    ended = subprocess.run(
        [*command, "--milvus", indexed.milvus], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 2
    assert "SAMESENSE_API_KEYS" in ended.stderr


def _bomb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    buffer = io.BytesIO()
    buffer.write(b"\x89PNG\r\n\x1a\n")
    buffer.write(chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)))
    buffer.write(chunk(b"IDAT", zlib.compress(b"\0" * 100_000)))
    buffer.write(chunk(b"IEND", b""))
    return buffer.getvalue()
