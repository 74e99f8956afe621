"""Checks of an index, and what they find when something is planted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from samesense.bulk.diff import difference
from samesense.bulk.ids import named
from samesense.bulk.ledger import Entry, Ledger
from samesense.bulk.reconcile import (
    Compared,
    blocks_with,
    compare,
    prune,
    told_by_domain,
    unlisted_shards,
)
from samesense.bulk.sampling import sample_rows
from samesense.bulk.verify import recall, verify_collection
from samesense.core.errors import BulkError
from samesense.index.collection import Collection
from samesense.index.options import FlatIndex, IndexOptions, IvfIndex
from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store

OLD, NEW = "a1" * 32, "b2" * 32
WIDTH, ROWS = 16, 600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "index.db")) as opened:
        yield opened


def ids_of(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def fill(
    store: Store,
    *,
    fingerprint: str = OLD,
    count: int = ROWS,
    seed: int = 0,
    corpus: str = "mine",
    options: IndexOptions = FlatIndex(),
) -> Collection:
    z_ND = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    z_ND /= np.linalg.norm(z_ND, axis=1, keepdims=True)
    collection = store.build(
        "i", domain="photo", fingerprint=fingerprint, width=WIDTH, options=options
    )
    ids = ids_of(count)
    collection.upsert(IndexRows(ids, ids, ids, ids, z_ND, corpus=corpus))
    collection.settle()
    return collection


def ledger_of(folder: Path, ids: list[str], *, fate: str = "embedded") -> Ledger:
    ledger = Ledger(folder / "ledger")
    for number in range(0, len(ids), 100):
        entries = [
            Entry(row_id, row_id, "photo", "dog", fate)  # type: ignore[arg-type]
            for row_id in ids[number : number + 100]
        ]
        ledger.write(number // 100, entries)
    return ledger


def compared_with(ledger: Ledger, collection: Collection) -> Compared:
    return compare(collection, told_by_domain(ledger).get("photo"), corpus="mine")


def test_rows_that_are_missing_gone_and_foreign_are_told_apart(
    tmp_path: Path, store: Store
) -> None:
    collection = fill(store, count=300)
    others = [f"{number:032x}" for number in range(1000, 1010)]
    z_ND = np.ones((10, WIDTH), np.float32)
    collection.upsert(IndexRows(others, others, others, others, z_ND, corpus="another"))
    ledger = ledger_of(tmp_path, ids_of(310)[20:])  # 20 of the index are gone, 10 are missing
    compared = compared_with(ledger, collection)
    assert (compared.expected, len(compared.missing)) == (290, 10)
    assert (list(named(compared.gone)), compared.others) == (ids_of(20), 10)
    assert compared.prunable_share == pytest.approx(20 / 300)
    assert blocks_with(ledger, [compared]) == [2]
    with pytest.raises(BulkError, match="20 rows are gone from the corpus, 7% of its rows there"):
        prune([compared], unlisted=unlisted_shards(ledger), most=0.05)
    assert collection.count() == 310
    assert prune([compared], unlisted=unlisted_shards(ledger), most=0.1) == 20
    assert collection.count() == 290


def test_nothing_is_pruned_when_a_shard_was_not_listed(tmp_path: Path, store: Store) -> None:
    collection = fill(store, count=300)
    ledger = ledger_of(tmp_path, ids_of(300)[20:])
    shard = Entry("", "s3://b/000.tar", "", "", "rejected", reason="bad_shard", detail="no answer")
    ledger.write(7, [shard])
    compared = compared_with(ledger, collection)
    assert len(compared.gone) == 20
    with pytest.raises(
        BulkError, match=r"000.tar: 1 shards .*no answer.*nothing was pruned\. Mend"
    ):
        prune([compared], unlisted=unlisted_shards(ledger), most=0.1)
    assert collection.count() == 300


def test_rejected_rows_are_neither_missing_nor_gone(tmp_path: Path, store: Store) -> None:
    ledger = ledger_of(tmp_path, ids_of(100), fate="rejected")
    compared = compared_with(ledger, fill(store, count=50))
    assert (compared.expected, len(compared.missing), len(compared.gone)) == (0, 0, 0)


def test_a_sound_index_passes(tmp_path: Path, store: Store) -> None:
    checked = verify_collection(
        fill(store),
        encoder=None,
        ledger=told_by_domain(ledger_of(tmp_path, ids_of(ROWS))),
        corpus="mine",
        sample=50,
    )
    assert (checked.rows, checked.missing, checked.recall) == (ROWS, 0, 1.0)
    assert checked.faults(least_recall=0.99) == []


def test_a_lost_row_and_a_lazy_search_are_faults(tmp_path: Path, store: Store) -> None:
    collection = fill(store, options=IvfIndex(cells=60, probes=1))
    collection.delete(ids_of(ROWS)[:3])
    checked = verify_collection(
        collection,
        encoder=None,
        ledger=told_by_domain(ledger_of(tmp_path, ids_of(ROWS))),
        corpus="mine",
        sample=50,
    )
    lost, lazy = checked.faults(least_recall=0.9)
    assert "lacks 3 rows that the ledger promises" in lost
    assert "recall@10 is 0." in lazy


def test_rows_beyond_the_ledger_and_an_empty_collection_are_faults(
    tmp_path: Path, store: Store
) -> None:
    collection, ledger = fill(store), told_by_domain(ledger_of(tmp_path, ids_of(ROWS)[5:]))
    checked = verify_collection(collection, encoder=None, ledger=ledger, corpus="mine", sample=50)
    assert (checked.missing, checked.surplus) == (0, 5)
    (told,) = checked.faults(least_recall=0.9)
    assert "has 5 rows that the ledger does not have" in told
    empty = fill(store, fingerprint=NEW, count=0)
    nothing = verify_collection(empty, encoder=None, ledger=None, corpus="mine", sample=50)
    assert nothing.faults(least_recall=0.9) == ["photo: holds no rows"]


def test_recall_counts_what_brute_force_finds(store: Store) -> None:
    exact = fill(store)
    queries = np.random.default_rng(9).standard_normal((20, WIDTH)).astype(np.float32)
    assert recall(exact, queries / np.linalg.norm(queries, axis=1, keepdims=True)) == 1.0
    few = fill(store, fingerprint=NEW, count=4)  # fewer rows than neighbours
    assert recall(few, np.eye(WIDTH, dtype=np.float32)[:3]) == 1.0


def test_every_row_has_the_same_chance_to_be_sampled(store: Store) -> None:
    collection = fill(store, count=100)
    drawn = [row["id"] for seed in range(60) for row in sample_rows(collection, count=5, seed=seed)]
    assert len(set(drawn)) > 90
    assert sample_rows(collection, count=5, seed=1) == sample_rows(collection, count=5, seed=1)
    assert len(sample_rows(collection, count=500, seed=1)) == 100


def test_two_models_differ_in_rows_and_neighbours(store: Store) -> None:
    first, second = fill(store, count=300), fill(store, fingerprint=NEW, count=200, seed=1)
    same = difference("photo", first, first, sample=20)
    assert (same.both, same.only_first, same.changed, same.overlap) == (300, 0, 0, 1.0)
    found = difference("photo", first, second, sample=40)
    assert (found.only_first, found.only_second, found.both) == (100, 0, 200)
    assert found.overlap is not None
    assert found.overlap < 0.5
    alone = difference("photo", first, None, sample=20)
    assert (alone.only_first, alone.overlap) == (300, None)
