"""The index behaves alike on a local folder (Milvus Lite) and on a real Milvus server."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from samesense.core.errors import StoreError
from samesense.index.collection import Collection
from samesense.index.options import HnswIndex
from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store
from samesense.search.query import search
from tests.integration.milvus_server import milvus_server

OLD, NEW = "a1" * 32, "b2" * 32
WIDTH = 8
DOMAINS = ("photo", "pencil 'sketch' \"2\"", "3d 日本画")


@pytest.fixture(scope="module")
def server_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus_server(tmp_path_factory.mktemp("milvus")) as uri:
        yield uri


@pytest.fixture(
    scope="module", params=["lite", pytest.param("server", marks=pytest.mark.integration)]
)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    if request.param == "lite":
        uri = str(tmp_path_factory.mktemp("lite") / "index.db")
    else:
        uri = request.getfixturevalue("server_uri")
    with open_store(uri) as opened:
        yield opened


@pytest.fixture(scope="module")
def served_index(store: Store) -> str:
    """An index that is served and that no test changes: building one takes a server seconds."""
    _build(store, "served index")
    store.switch("served index", fingerprint=OLD)
    return "served index"


@pytest.fixture
def index() -> str:
    return f"index {uuid.uuid4().hex}"


def _vectors(count: int, *, width: int = WIDTH, seed: int = 0) -> npt.NDArray[np.float32]:
    z_ND = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    unit_ND: npt.NDArray[np.float32] = z_ND / np.linalg.norm(z_ND, axis=1, keepdims=True)
    return unit_ND


def _rows(z_ND: npt.NDArray[np.float32], *, name: str, version: str = "v1") -> IndexRows:
    numbers = range(len(z_ND))
    return IndexRows(
        ids=[f"{name}-{number:06}" for number in numbers],
        uris=[f"/corpus/{name}/'é\" {number}.png" for number in numbers],
        labels=[f"label {number % 3}" for number in numbers],
        content_hashes=[f"{version}-{number}" for number in numbers],
        z_ND=z_ND,
    )


def _build(store: Store, index: str) -> None:
    for seed, domain in enumerate(DOMAINS):
        collection = store.build(index, domain=domain, fingerprint=OLD, width=WIDTH)
        collection.upsert(_rows(_vectors(20, seed=seed), name=domain))


def test_rows_written_twice_are_there_once(store: Store, index: str) -> None:
    z_ND = _vectors(50)
    for version in ("v1", "v2"):
        collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
        collection.upsert(_rows(z_ND, name="photo", version=version))
        assert collection.count() == 50
    found = collection.ids_with_hashes()
    assert found == {f"photo-{number:06}": f"v2-{number}" for number in range(50)}


def test_deleted_rows_are_gone_and_uncounted(store: Store, index: str) -> None:
    collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    rows = _rows(_vectors(50), name="photo")
    collection.upsert(rows)
    collection.upsert(rows)
    gone = [*rows.ids[10:], "never there"]
    assert collection.uris(gone) == dict(zip(rows.ids[10:], rows.uris[10:], strict=True))
    collection.delete(gone)
    assert collection.count() == 10
    assert collection.ids_with_hashes().keys() == set(rows.ids[:10])
    collection.delete(rows.ids)
    assert (collection.count(), collection.search(_vectors(1), limit=3)) == (0, [[]])


def test_what_is_built_is_served_only_after_the_switch(store: Store, index: str) -> None:
    _build(store, index)
    assert index in store.indexes()
    with pytest.raises(StoreError, match="none is switched to yet"):
        store.served(index)
    switched = store.switch(index, fingerprint=OLD)
    assert {(one.domain, one.previous) for one in switched} == {(name, None) for name in DOMAINS}
    served = store.served(index)
    assert [one.domain for one in served] == sorted(DOMAINS)
    assert {(one.fingerprint, one.count, one.width) for one in served} == {(OLD, 20, WIDTH)}


def test_search_over_domains_equals_brute_force(store: Store, served_index: str) -> None:
    z_QD = _vectors(7, seed=99)
    for domains in (None, DOMAINS[1:3]):
        chosen = DOMAINS if domains is None else domains
        ids = np.array([f"{name}-{number:06}" for name in chosen for number in range(20)])
        gallery_GD = np.concatenate([_vectors(20, seed=DOMAINS.index(name)) for name in chosen])
        cosine_QG = z_QD @ gallery_GD.T
        merged = search(
            store, index=served_index, z_QD=z_QD, fingerprint=OLD, domains=domains, limit=25
        )
        for hits, cosine_G in zip(merged, cosine_QG, strict=True):
            best = np.argsort(-cosine_G)[:25]
            assert [hit.id for hit in hits] == ids[best].tolist()
            np.testing.assert_allclose([hit.score for hit in hits], cosine_G[best], atol=1e-5)


def test_a_hit_carries_what_is_known_of_its_row(store: Store, served_index: str) -> None:
    ((hit,),) = search(
        store, index=served_index, z_QD=_vectors(5, seed=2)[4:], fingerprint=OLD, limit=1
    )
    assert (hit.domain, hit.label, hit.content_hash) == ("3d 日本画", "label 1", "v1-4")
    assert hit.uri == "/corpus/3d 日本画/'é\" 4.png"
    assert hit.score == pytest.approx(1, abs=1e-5)


def test_rows_written_after_the_switch_are_found(store: Store, index: str) -> None:
    collection = _filled(store, index, count=20)
    store.switch(index, fingerprint=OLD)
    collection.upsert(_rows(_vectors(30), name="photo"))
    store.switch(index, fingerprint=OLD)
    ((hit,),) = search(store, index=index, z_QD=_vectors(30)[29:], fingerprint=OLD, limit=1)
    assert hit.id == "photo-000029"


def test_a_new_model_takes_over_whole_and_the_old_is_dropped(store: Store, index: str) -> None:
    _build(store, index)
    store.switch(index, fingerprint=OLD)
    for domain in DOMAINS[:-1]:
        new = store.build(index, domain=domain, fingerprint=NEW, width=WIDTH * 2)
        new.upsert(_rows(_vectors(5, width=WIDTH * 2), name=domain))
    with pytest.raises(StoreError, match=f"also serves {DOMAINS[-1]}"):
        store.switch(index, fingerprint=NEW)
    assert {one.fingerprint for one in store.served(index)} == {OLD}
    store.build(index, domain=DOMAINS[-1], fingerprint=NEW, width=WIDTH * 2)
    switched = store.switch(index, fingerprint=NEW)
    assert all(one.previous and one.previous.endswith(OLD[:12]) for one in switched)
    assert {(one.fingerprint, one.width) for one in store.served(index)} == {(NEW, WIDTH * 2)}
    z_QD = _vectors(1, width=WIDTH * 2)
    assert len(search(store, index=index, z_QD=z_QD, fingerprint=NEW)[0]) == 10
    for collection in store.collections(index):
        if collection.contents.fingerprint == OLD:
            store.drop(collection)
    assert [one.contents.fingerprint for one in store.collections(index)] == [NEW] * len(DOMAINS)


def test_what_is_served_cannot_be_dropped(store: Store, index: str) -> None:
    collection = _filled(store, index, count=20)
    store.switch(index, fingerprint=OLD)
    with pytest.raises(StoreError, match="is served as"):
        store.drop(collection)
    assert collection.count() == 20
    assert store.retire(index, domain="photo") == collection.name
    store.drop(collection)
    assert index not in store.indexes()


def test_models_never_mix(store: Store, index: str) -> None:
    _build(store, index)
    store.switch(index, fingerprint=OLD)
    with pytest.raises(StoreError, match=f"is of model {OLD[:12]}, the query of model {NEW[:12]}"):
        search(store, index=index, z_QD=_vectors(1), fingerprint=NEW)
    half = store.build(index, domain="photo", fingerprint=NEW, width=WIDTH)
    client = store.connection.client
    client.alter_alias(half.name, half.contents.alias)  # as a switch leaves it that was killed
    with pytest.raises(StoreError, match="between two models"):
        store.search(index, z_QD=_vectors(1))
    store.switch(index, fingerprint=OLD)
    assert search(store, index=index, z_QD=_vectors(1), fingerprint=OLD)


def test_unknown_names_are_answered_with_the_nearest(store: Store, served_index: str) -> None:
    with pytest.raises(StoreError, match=f"Did you mean '{served_index}'"):
        store.served(served_index[:-1])
    with pytest.raises(StoreError, match=r"no domain 'phot'.*Did you mean 'photo'"):
        search(
            store, index=served_index, z_QD=_vectors(1), fingerprint=OLD, domains=["photo", "phot"]
        )
    with pytest.raises(StoreError, match="Did you mean 'photo'"):
        store.retire(served_index, domain="phot")
    with pytest.raises(StoreError, match="no domain asked for"):
        search(store, index=served_index, z_QD=_vectors(1), fingerprint=OLD, domains=[])
    with pytest.raises(StoreError, match="build it first"):
        store.switch(served_index, fingerprint=NEW)


def test_another_width_is_refused(store: Store, index: str) -> None:
    collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    with pytest.raises(StoreError, match="width"):
        store.build(index, domain="photo", fingerprint=OLD, width=WIDTH + 1)
    with pytest.raises(StoreError, match="holds width 8, got 9"):
        collection.upsert(_rows(_vectors(2, width=9), name="photo"))
    with pytest.raises(StoreError, match="holds width 8"):
        collection.search(_vectors(2, width=9), limit=1)
    with pytest.raises(StoreError, match="limit 0"):
        collection.search(_vectors(2), limit=0)


def test_fingerprints_that_begin_alike_do_not_share_a_collection(store: Store, index: str) -> None:
    store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    with pytest.raises(StoreError, match="is there, but holds"):
        store.build(index, domain="photo", fingerprint=OLD[:12] + "0" * 52, width=WIDTH)


def test_a_creation_that_was_cut_short_is_completed(store: Store, index: str) -> None:
    whole = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    store.connection.client.release_collection(whole.name)
    store.connection.loaded.clear()
    store.connection.client.drop_index(whole.name, "vector")
    again = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    again.upsert(_rows(_vectors(3), name="photo"))
    again.settle()
    assert [hits[0].id for hits in again.search(_vectors(3), limit=1)] == [
        f"photo-{number:06}" for number in range(3)
    ]


def test_more_rows_than_a_message_or_a_page_holds(store: Store, index: str) -> None:
    count, width = 17_000, 512  # 35 MB of vectors: two messages; two pages of ids
    collection = store.build(index, domain="photo", fingerprint=OLD, width=width)
    rows = _rows(_vectors(count, width=width), name="photo")
    assert len(list(rows.messages())) > 1
    collection.upsert(rows)
    assert collection.count() == count
    found = collection.ids_with_hashes()
    assert len(found) == count
    assert found[rows.ids[-1]] == rows.content_hashes[-1]


def test_many_queries_are_answered_in_order(store: Store, index: str) -> None:
    collection = _filled(store, index, count=300)
    answers = collection.search(_vectors(300), limit=300)
    assert [hits[0].id for hits in answers] == [f"photo-{number:06}" for number in range(300)]
    assert {len(hits) for hits in answers} == {300}


def test_an_approximate_index_finds_nearly_all_neighbours(store: Store, index: str) -> None:
    options = HnswIndex(links=8, build_width=64, search_width=64)
    collection = store.build(index, domain="d", fingerprint=OLD, width=WIDTH, options=options)
    z_ND = _vectors(2000)
    collection.upsert(_rows(z_ND, name="d"))
    store.switch(index, fingerprint=OLD)
    assert collection.contents.search_width == 64
    exact = np.argsort(-(z_ND[:100] @ z_ND.T), axis=1)[:, :10]
    answers = collection.search(z_ND[:100], limit=10)
    found = [{int(hit.id.split("-")[1]) for hit in hits} for hits in answers]
    recall = np.mean([len(a & set(b)) / 10 for a, b in zip(found, exact.tolist(), strict=True)])
    assert recall > 0.95


def _filled(store: Store, index: str, *, count: int) -> Collection:
    collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    collection.upsert(_rows(_vectors(count), name="photo"))
    collection.settle()
    return collection


@pytest.mark.integration
def test_two_stores_on_a_server_see_each_other(server_uri: str, index: str) -> None:
    with open_store(server_uri) as writer, open_store(server_uri) as reader:
        _filled(writer, index, count=20)
        writer.switch(index, fingerprint=OLD)
        assert [one.count for one in reader.served(index)] == [20]


@pytest.mark.integration
def test_a_server_that_goes_down_is_told(tmp_path: Path, index: str) -> None:
    with milvus_server(tmp_path / "milvus") as uri:
        store = open_store(uri)
        collection = _filled(store, index, count=3)
    started = time.monotonic()
    with pytest.raises(StoreError, match=uri):
        collection.count()
    assert time.monotonic() - started < 60
    store.close()
