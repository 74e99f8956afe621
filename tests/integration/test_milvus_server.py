"""The index behaves alike on a local folder (Milvus Lite) and on a real Milvus server."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from samesense.core.errors import StoreError
from samesense.index.options import HnswIndex, IndexOptions, IvfIndex
from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store
from samesense.search.query import search
from tests.integration.index_rows import (
    DOMAINS,
    NEW,
    OLD,
    WIDTH,
    build_domains,
    filled,
    rows_for,
    vectors,
)
from tests.integration.milvus_server import MilvusServer, milvus_server


@pytest.fixture(scope="module")
def served_index(store: Store) -> str:
    """An index that is served and that no test changes: building one takes a server seconds."""
    build_domains(store, "served index")
    store.switch("served index", fingerprint=OLD)
    return "served index"


def test_rows_written_twice_are_there_once(store: Store, index: str) -> None:
    z_ND = vectors(50)
    for version in ("v1", "v2"):
        collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
        collection.upsert(rows_for(z_ND, name="photo", version=version))
        assert collection.count() == 50
    found = collection.ids_with_hashes()
    assert found == {f"photo-{number:06}": f"v2-{number}" for number in range(50)}


def test_deleted_rows_are_gone_and_uncounted(store: Store, index: str) -> None:
    collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    rows = rows_for(vectors(50), name="photo")
    collection.upsert(rows)
    collection.upsert(rows)
    gone = [*rows.ids[10:], "never there"]
    known = {row_id: row.uri for row_id, row in collection.known(gone).items()}
    assert known == dict(zip(rows.ids[10:], rows.uris[10:], strict=True))
    collection.delete(gone)
    assert collection.count() == 10
    assert collection.ids_with_hashes().keys() == set(rows.ids[:10])
    collection.delete(rows.ids)
    assert (collection.count(), collection.search(vectors(1), limit=3)) == (0, [[]])


def test_search_over_domains_equals_brute_force(store: Store, served_index: str) -> None:
    z_QD = vectors(7, seed=99)
    for domains in (None, DOMAINS[1:3]):
        chosen = DOMAINS if domains is None else domains
        ids = np.array([f"{name}-{number:06}" for name in chosen for number in range(20)])
        gallery_GD = np.concatenate([vectors(20, seed=DOMAINS.index(name)) for name in chosen])
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
        store, index=served_index, z_QD=vectors(5, seed=2)[4:], fingerprint=OLD, limit=1
    )
    assert (hit.domain, hit.label, hit.content_hash) == ("3d 日本画", "label 1", "v1-4")
    assert hit.uri == "/corpus/3d 日本画/'é\" 4.png"
    assert hit.score == pytest.approx(1, abs=1e-5)


def test_a_search_may_be_held_to_some_labels(store: Store, served_index: str) -> None:
    found = store.search(
        served_index, z_QD=vectors(1, seed=99), limit=20, labels=["label 1", 'quo"ted']
    )
    assert {domain: len(hits) for domain, (hits,) in found.items()} == dict.fromkeys(DOMAINS, 7)
    assert {hit.label for (hits,) in found.values() for hit in hits} == {"label 1"}


@pytest.mark.parametrize(
    "name",
    [
        "it's \"quoted\"", "back\\slash\\", "two\nlines\r", "'] or id != ['",
        '"] or id != ["', "日本\t☂",
    ],
)  # fmt: skip
def test_whatever_is_in_an_id_it_means_that_row_alone(store: Store, index: str, name: str) -> None:
    collection = filled(store, index, count=3)
    assert collection.known([name]) == {}
    assert collection.vectors([name]) == {}
    z_ND = vectors(1, seed=5)
    collection.upsert(IndexRows([name], [name], [name], ["f" * 64], z_ND))
    assert collection.known([name])[name].uri == name
    np.testing.assert_allclose(collection.vectors([name])[name], z_ND[0], atol=1e-6)
    ((hit,),) = collection.search(z_ND, limit=9, labels=[name])
    assert hit.id == name
    collection.delete([name])
    assert (collection.known([name]), collection.count()) == ({}, 3)


def test_a_sample_is_of_the_rows_and_the_same_every_time(store: Store, served_index: str) -> None:
    collection = store.of_model(served_index)[0]
    sample = collection.sample(about=100)
    assert len({row["id"] for row in sample}) == 20
    some = collection.sample(about=5)
    assert len(some) <= 5
    assert some == collection.sample(about=5)
    by_id = {row["id"]: row for row in sample}
    assert all(row["label"] == by_id[row["id"]]["label"] for row in some)


def test_what_milvus_let_go_of_is_loaded_again(store: Store, index: str) -> None:
    collection = filled(store, index, count=20)
    before = collection.count()
    store.connection.client.release_collection(collection.name)
    assert collection.count() == before


def test_unknown_names_are_answered_with_the_nearest(store: Store, served_index: str) -> None:
    with pytest.raises(StoreError, match=f"Did you mean '{served_index}'"):
        store.served(served_index[:-1])
    with pytest.raises(StoreError, match=r"no domain 'phot'.*Did you mean 'photo'"):
        search(
            store, index=served_index, z_QD=vectors(1), fingerprint=OLD, domains=["photo", "phot"]
        )
    with pytest.raises(StoreError, match="Did you mean 'photo'"):
        store.withdraw(served_index, domain="phot")
    with pytest.raises(StoreError, match="no domain asked for"):
        search(store, index=served_index, z_QD=vectors(1), fingerprint=OLD, domains=[])
    with pytest.raises(StoreError, match="build it first"):
        store.switch(served_index, fingerprint=NEW)


def test_another_width_is_refused(store: Store, index: str) -> None:
    collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    with pytest.raises(StoreError, match="width"):
        store.build(index, domain="photo", fingerprint=OLD, width=WIDTH + 1)
    with pytest.raises(StoreError, match="holds width 8, got 9"):
        collection.upsert(rows_for(vectors(2, width=9), name="photo"))
    with pytest.raises(StoreError, match="holds width 8"):
        collection.search(vectors(2, width=9), limit=1)
    with pytest.raises(StoreError, match="limit 0"):
        collection.search(vectors(2), limit=0)


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
    again.upsert(rows_for(vectors(3), name="photo"))
    again.settle()
    assert [hits[0].id for hits in again.search(vectors(3), limit=1)] == [
        f"photo-{number:06}" for number in range(3)
    ]


def test_more_rows_than_a_message_or_a_page_holds(store: Store, index: str) -> None:
    count, width = 17_000, 512  # 35 MB of vectors: two messages; two pages of ids
    collection = store.build(index, domain="photo", fingerprint=OLD, width=width)
    rows = rows_for(vectors(count, width=width), name="photo")
    assert len(list(rows.messages())) > 1
    collection.upsert(rows)
    assert collection.count() == count
    found = collection.ids_with_hashes()
    assert len(found) == count
    assert found[rows.ids[-1]] == rows.content_hashes[-1]


def test_many_queries_are_answered_in_order(store: Store, index: str) -> None:
    collection = filled(store, index, count=300)
    answers = collection.search(vectors(300), limit=300)
    assert [hits[0].id for hits in answers] == [f"photo-{number:06}" for number in range(300)]
    assert {len(hits) for hits in answers} == {300}


@pytest.mark.parametrize(
    ("options", "search_settings"),
    [
        (HnswIndex(links=8, build_width=64, search_width=64), {"ef": 64}),
        (IvfIndex(cells=32, probes=16), {"nprobe": 16}),
    ],
    ids=["hnsw", "ivf"],
)
def test_an_approximate_index_finds_nearly_all_neighbours(
    store: Store, index: str, options: IndexOptions, search_settings: dict[str, int]
) -> None:
    collection = store.build(index, domain="d", fingerprint=OLD, width=WIDTH, options=options)
    z_ND = vectors(2000)
    collection.upsert(rows_for(z_ND, name="d"))
    store.switch(index, fingerprint=OLD)
    assert collection.contents.search == search_settings
    exact = np.argsort(-(z_ND[:100] @ z_ND.T), axis=1)[:, :10]
    answers = collection.search(z_ND[:100], limit=10)
    found = [{int(hit.id.split("-")[1]) for hit in hits} for hits in answers]
    recall = np.mean([len(a & set(b)) / 10 for a, b in zip(found, exact.tolist(), strict=True)])
    assert recall > 0.95


@pytest.mark.integration
def test_two_stores_on_a_server_see_each_other(server_uri: str, index: str) -> None:
    with open_store(server_uri) as writer, open_store(server_uri) as reader:
        filled(writer, index, count=20)
        writer.switch(index, fingerprint=OLD)
        assert [one.count for one in reader.served(index)] == [20]


@pytest.mark.integration
def test_a_server_that_goes_down_is_told(tmp_path: Path, index: str) -> None:
    with milvus_server(tmp_path / "milvus") as uri:
        store = open_store(uri)
        collection = filled(store, index, count=3)
    started = time.monotonic()
    with pytest.raises(StoreError, match=uri):
        collection.count()
    assert time.monotonic() - started < 60
    store.close()


@pytest.mark.integration
def test_a_server_that_is_down_is_waited_for_by_those_who_know_that_it_was_there(
    tmp_path: Path,
) -> None:
    server = MilvusServer(tmp_path / "milvus")
    server.start()
    server.kill()
    again = threading.Timer(3, server.start_again)
    again.start()
    try:
        with pytest.raises(StoreError, match="no Milvus answers there"):
            open_store(server.uri)
        with open_store(server.uri, start_patience_s=120) as store:
            assert store.indexes() == []
    finally:
        again.join()
        server.stop()
