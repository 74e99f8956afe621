"""Which model an index serves: built beside, switched, undone, retired."""

from typing import Any

import pytest
from pymilvus.exceptions import MilvusException

from samesense.core.errors import StoreError
from samesense.index.store import Store
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


def test_what_is_built_is_served_only_after_the_switch(store: Store, index: str) -> None:
    build_domains(store, index)
    assert index in store.indexes()
    with pytest.raises(StoreError, match="none is switched to yet"):
        store.served(index)
    switched = store.switch(index, fingerprint=OLD)
    assert {(one.domain, one.previous) for one in switched} == {(name, None) for name in DOMAINS}
    served = store.served(index)
    assert [one.domain for one in served] == sorted(DOMAINS)
    assert {(one.fingerprint, one.count, one.width) for one in served} == {(OLD, 20, WIDTH)}


def test_rows_written_after_the_switch_are_found(store: Store, index: str) -> None:
    collection = filled(store, index, count=20)
    store.switch(index, fingerprint=OLD)
    collection.upsert(rows_for(vectors(30), name="photo"))
    store.switch(index, fingerprint=OLD)
    ((hit,),) = search(store, index=index, z_QD=vectors(30)[29:], fingerprint=OLD, limit=1)
    assert hit.id == "photo-000029"


def test_a_new_model_takes_over_whole_and_the_old_is_dropped(store: Store, index: str) -> None:
    build_domains(store, index)
    store.switch(index, fingerprint=OLD)
    for domain in DOMAINS[:-1]:
        new = store.build(index, domain=domain, fingerprint=NEW, width=WIDTH * 2)
        new.upsert(rows_for(vectors(5, width=WIDTH * 2), name=domain))
    with pytest.raises(StoreError, match=f"also serves {DOMAINS[-1]}"):
        store.switch(index, fingerprint=NEW)
    assert {one.fingerprint for one in store.served(index)} == {OLD}
    store.build(index, domain=DOMAINS[-1], fingerprint=NEW, width=WIDTH * 2)
    with pytest.raises(StoreError, match=r"model b2b2b2b2b2b2 has few rows: .*where 20 are served"):
        store.switch(index, fingerprint=NEW)
    assert {one.fingerprint for one in store.served(index)} == {OLD}
    switched = store.switch(index, fingerprint=NEW, least_share=0)
    assert all(one.previous and one.previous.endswith(OLD[:12]) for one in switched)
    assert {(one.fingerprint, one.width) for one in store.served(index)} == {(NEW, WIDTH * 2)}
    z_QD = vectors(1, width=WIDTH * 2)
    assert len(search(store, index=index, z_QD=z_QD, fingerprint=NEW)[0]) == 10
    for collection in store.collections(index):
        if collection.contents.fingerprint == OLD:
            store.drop(collection)
    assert [one.contents.fingerprint for one in store.collections(index)] == [NEW] * len(DOMAINS)


def test_what_is_served_cannot_be_dropped(store: Store, index: str) -> None:
    collection = filled(store, index, count=20)
    store.switch(index, fingerprint=OLD)
    with pytest.raises(StoreError, match="is served as"):
        store.drop(collection)
    assert collection.count() == 20
    assert store.withdraw(index, domain="photo") == collection.name
    store.drop(collection)
    assert index not in store.indexes()


def test_models_never_mix(store: Store, index: str) -> None:
    build_domains(store, index)
    store.switch(index, fingerprint=OLD)
    with pytest.raises(StoreError, match=f"is of model {OLD[:12]}, the query of model {NEW[:12]}"):
        search(store, index=index, z_QD=vectors(1), fingerprint=NEW)
    half = store.build(index, domain="photo", fingerprint=NEW, width=WIDTH)
    client = store.connection.client
    client.alter_alias(half.name, half.contents.alias)  # as a switch leaves it that was killed
    assert {hit.id for hit in search(store, index=index, z_QD=vectors(1), fingerprint=OLD)[0]}
    store.switch(index, fingerprint=OLD)
    assert client.describe_alias(half.contents.alias)["collection_name"].endswith(OLD[:12])


def test_a_switch_is_undone_and_redone(store: Store, index: str) -> None:
    build_domains(store, index)
    store.switch(index, fingerprint=OLD)
    with pytest.raises(StoreError, match="it is the first"):
        store.switch_back(index)
    build_domains(store, index, fingerprint=NEW)
    store.switch(index, fingerprint=NEW)
    switched = store.switch_back(index)
    assert all(one.collection.endswith(OLD[:12]) for one in switched)
    assert {one.fingerprint for one in store.served(index)} == {OLD}
    store.switch(index, fingerprint=NEW)
    assert {one.fingerprint for one in store.served(index)} == {NEW}


def test_queries_of_the_model_before_are_answered_by_it_until_it_is_retired(
    store: Store, index: str
) -> None:
    build_domains(store, index)
    store.switch(index, fingerprint=OLD)
    build_domains(store, index, fingerprint=NEW)
    with pytest.raises(StoreError, match="the query of model"):  # built, but never served
        search(store, index=index, z_QD=vectors(1), fingerprint=NEW)
    store.switch(index, fingerprint=NEW)
    assert search(store, index=index, z_QD=vectors(1), fingerprint=OLD)
    with pytest.raises(StoreError, match=f"serves model {NEW[:12]}"):
        store.retire(index, fingerprint=NEW)
    assert len(store.retire(index, fingerprint=OLD)) == len(DOMAINS)
    assert search(store, index=index, z_QD=vectors(1), fingerprint=NEW)
    with pytest.raises(StoreError, match="the query of model"):
        search(store, index=index, z_QD=vectors(1), fingerprint=OLD)
    with pytest.raises(StoreError, match="was retired"):
        store.switch_back(index)
    with pytest.raises(StoreError, match="has no collection of model"):
        store.retire(index, fingerprint=OLD)


def test_a_switch_that_fails_half_way_changes_nothing(
    store: Store, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_domains(store, index)
    store.switch(index, fingerprint=OLD)
    build_domains(store, index, fingerprint=NEW)
    client, moved = store.connection.client, []
    alter = client.alter_alias

    def fail_on_the_third(name: str, alias: str, **request: Any) -> None:
        moved.append(name)
        if len(moved) == 3:
            raise MilvusException(message="no room")
        alter(name, alias, **request)

    monkeypatch.setattr(client, "alter_alias", fail_on_the_third)
    with pytest.raises(StoreError, match="no room"):
        store.switch(index, fingerprint=NEW)
    assert {one.fingerprint for one in store.served(index)} == {OLD}
    for collection in store.collections(index):
        alias = client.describe_alias(collection.contents.alias)
        assert alias["collection_name"].endswith(OLD[:12])
