"""Searches over a real local index: what scores mean is measured once, and renewed behind them."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from samesense.core.hashing import hash_bytes
from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store
from samesense.search import searcher
from samesense.search.searcher import Searcher, Wanted

FINGERPRINT = "a1" * 32
WIDTH, ROWS = 4, 600


def rows(count: int, *, centre: float, name: str) -> IndexRows:
    z_ND = np.random.default_rng(0).standard_normal((count, WIDTH)).astype(np.float32)
    z_ND[:, 0] += centre
    z_ND /= np.linalg.norm(z_ND, axis=1, keepdims=True)
    ids = [f"{name}{number}" for number in range(count)]
    return IndexRows(ids, ids, ids, [hash_bytes(one.encode()) for one in ids], z_ND)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "milvus.db")) as opened:
        for domain in ("photo", "sketch"):
            collection = opened.build("images", domain=domain, fingerprint=FINGERPRINT, width=WIDTH)
            collection.upsert(rows(ROWS, centre=0, name=domain))
        opened.switch("images", fingerprint=FINGERPRINT)
        yield opened


def best_score(asking: Searcher) -> float:
    """The calibrated score of the best photo for one query."""
    z_D = np.array([1, 0, 0, 0], dtype=np.float32)
    found = asking.search("images", z_D=z_D, fingerprint=FINGERPRINT, wanted=Wanted(limit=1))
    return found.by_domain["photo"][0].calibrated_score


def test_what_was_measured_long_ago_serves_until_it_is_measured_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Searcher(store)
    before = best_score(asking)
    # Now all photos lie near the query, so that a near one is nothing special.
    photos = next(one for one in store.of_model("images") if one.contents.domain == "photo")
    photos.upsert(rows(ROWS, centre=4, name="photo"))
    assert best_score(asking) == pytest.approx(before, abs=0.2)
    monkeypatch.setattr(searcher, "BACKGROUND_AGE_S", 0.0)
    assert best_score(asking) == pytest.approx(before, abs=0.2)
    deadline = time.monotonic() + 30
    while best_score(asking) > before - 0.5:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_sample_is_little_more_than_what_was_asked_for(store: Store) -> None:
    collection = store.of_model("images")[0]
    for about in (10, 60, 150):
        read = collection.sample(about=about)
        assert 0.6 * about <= len(read) <= about
        assert [row["id"] for row in read] == [row["id"] for row in collection.sample(about=about)]
    assert len(collection.sample(about=10 * ROWS)) == ROWS
