"""The service over a real local index, in one process: what needs no model."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx import ASGITransport, AsyncClient, Response
from PIL import Image

from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store
from samesense.serving.embedding import Description
from samesense.serving.errors import ApiError
from samesense.serving.forms.body import read_form
from samesense.serving.forms.search import SearchRequest
from samesense.serving.measure import Measures
from samesense.serving.options import ServeOptions
from samesense.serving.replicas.searcher import SearcherReplica
from samesense.serving.routes import create_app
from samesense.serving.served_model import Capacity, ServedModel
from samesense.serving.service import Service

INDEX, OLD, NEW = "photos", "a" * 64, "b" * 64
DOMAINS = ("map", "photo", "sketch")
AXES = np.eye(4, dtype=np.float32)


class Near:
    """A deployment that is in this process."""

    def __init__(self, replica: Any) -> None:
        self._replica = replica

    def __getattr__(self, name: str) -> Any:
        class Method:
            remote: Callable[..., Awaitable[Any]] = getattr(self._replica, name)

        return Method


def build(
    store: Store,
    fingerprint: str,
    *,
    first: int,
    domains: Sequence[str] = DOMAINS,
    folder: Path = Path(),
) -> None:
    """Serve domains of four items; item n of a model lies on axis ``first`` + n."""
    ids = [f"item{n}" for n in range(4)]
    for domain in domains:
        collection = store.build(INDEX, domain=domain, fingerprint=fingerprint, width=4, model="m")
        named = [f"{domain}-{name}" for name in ids]
        z_ND = np.roll(AXES, first, axis=1)
        uris = [f"{folder}/{name}.png" for name in named]
        collection.upsert(IndexRows(named, uris, ["dog"] * 4, named, z_ND))
    store.switch(INDEX, fingerprint=fingerprint)


@pytest.fixture
def milvus(tmp_path: Path) -> str:
    uri = str(tmp_path / "milvus.db")
    with open_store(uri) as store:
        build(store, OLD, first=0)
        build(store, NEW, first=1, folder=tmp_path)
    return uri


@pytest.fixture
def service(milvus: str) -> Service:
    return Service(
        ServeOptions(milvus=milvus), models={}, searcher=Near(SearcherReplica(milvus, patience_s=5))
    )


@pytest.fixture
def search(service: Service) -> Callable[..., dict[str, Any]]:
    """Search by a request's fields, as one service goes on to do."""

    def ask(**fields: Any) -> dict[str, Any]:
        return asyncio.run(service.search(read_form(SearchRequest, fields), []))

    return ask


def ask_http(service: Service, path: str, **query: Any) -> Response:
    """Ask the service over HTTP."""

    async def once() -> Response:
        app = create_app(service, service.options, Measures())
        async with AsyncClient(transport=ASGITransport(app=app), base_url="http://here") as client:
            return await client.get(path, params=query)

    return asyncio.run(once())


class Told:
    """An embedder that says what its model is."""

    async def describe(self) -> Description:
        return Description(
            folder="/secret/place",
            fingerprint=NEW,
            width=4,
            modalities=("image", "text"),
            revision="0a1b2c",
            made="2026-01-02T03:04:05+00:00",
        )


def refusal(search: Callable[..., dict[str, Any]], **fields: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        search(**fields)
    return refused.value


def best(answer: dict[str, Any]) -> set[str]:
    return {hit["id"].partition("-")[2] for hit in answer["hits"] if hit["score"] > 0.99}


ANY = {"vector": [1.0, 0.0, 0.0, 0.0]}


def test_a_domain_that_is_withdrawn_breaks_no_search_that_did_not_name_it(
    search: Any, milvus: str
) -> None:
    def domains(**fields: Any) -> set[str]:
        return {hit["domain"] for hit in search(query=ANY, limit=12, **fields)["hits"]}

    assert domains() == set(DOMAINS)
    with open_store(milvus) as store:
        store.withdraw(INDEX, domain="sketch")
    assert domains(exclude_domains=["map"]) == {"photo"}
    assert "exclude_domains: no domain 'sketch'" in str(
        refusal(search, query=ANY, exclude_domains=["sketch"])
    )
    assert domains() == {"map", "photo"}
    assert refusal(search, query=ANY, domains=["sketch"]).status == 404


def test_no_search_that_chose_no_domain_depends_on_what_was_listed(
    search: Any, milvus: str
) -> None:
    search(query=ANY)
    with open_store(milvus) as store:
        build(store, NEW, first=1, domains=["drawing"])
    found = {hit["domain"] for hit in search(query=ANY, limit=16)["hits"]}
    assert found == {*DOMAINS, "drawing"}


def test_a_vector_is_compared_with_its_own_model_alone(search: Any) -> None:
    vector = [0.0, 1.0, 0.0, 0.0]
    new, named, old = (
        search(query={"vector": vector} | told, merge="raw")
        for told in ({}, {"fingerprint": NEW}, {"fingerprint": OLD})
    )
    assert best(new) == best(named) == {"item0"}
    assert best(old) == {"item1"}
    assert (new["fingerprint"], old["fingerprint"]) == (NEW, OLD)


def test_a_vector_of_a_model_that_was_never_served_is_refused(search: Any) -> None:
    refused = refusal(search, query={"vector": [1, 0, 0, 0], "fingerprint": "c" * 64})
    assert (refused.status, refused.code) == (409, "fingerprint")
    assert "cccccccccccc" in refused.message


def test_an_item_is_of_the_model_that_the_caller_thinks(search: Any) -> None:
    item = {"item": "map-item2"}
    assert best(search(query=item | {"fingerprint": NEW}, merge="raw")) == {"item2"}
    refused = refusal(search, query=item | {"fingerprint": OLD})
    assert (refused.status, refused.param) == (409, "query.fingerprint")


def test_a_picture_that_cannot_be_read_now_is_not_kept(service: Service, tmp_path: Path) -> None:
    def ask() -> Response:
        return ask_http(service, "/v1/items/map-item0/thumbnail", index=INDEX, side=32)

    file = tmp_path / "map-item0.png"
    missing = ask()
    Image.new("RGB", (8, 8), "red").save(file)
    there = ask()
    file.unlink()
    kept = ask()
    assert missing.headers["cache-control"] == "no-store"
    assert there.headers["cache-control"] == "private, max-age=604800"
    assert kept.content == there.content != missing.content
    assert {answer.headers["content-type"] for answer in (missing, there)} == {"image/jpeg"}


def test_models_are_described_without_where_they_lie() -> None:
    model = ServedModel(None, Near(Told()), Capacity(1, 1, 8, 0.1))
    service = Service(ServeOptions(), models={"m": model}, searcher=None)
    answer = ask_http(service, "/v1/models")
    (told,) = answer.json()["data"]
    assert (told["id"], told["fingerprint"], told["dimension"]) == ("m", NEW, 4)
    assert (told["revision"], told["created"]) == ("0a1b2c", 1_767_323_045)
    assert told["capabilities"] == ["image_embed", "embed"]
    assert "secret" not in answer.text


@pytest.mark.parametrize("of", [{}, {"fingerprint": OLD}])
def test_a_vector_of_another_width_is_told_whichever_model_it_is_of(
    search: Any, of: dict[str, str]
) -> None:
    told = refusal(search, query={"vector": [1.0, 0.0]} | of)
    assert (told.status, told.param) == (422, "query.vector")
    assert "holds width 4, queries have width 2" in told.message
