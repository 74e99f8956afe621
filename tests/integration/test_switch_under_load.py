"""Searches from several clients while an index switches between two models, again and again."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store
from samesense.search.query import search
from tests.integration.milvus_server import milvus_server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
MODELS = {"a1" * 32: 8, "b2" * 32: 12}
"""Fingerprint → width: a query of one model cannot even be compared with the other's rows."""
DOMAINS, ROWS, CLIENTS = ("photo", "sketch", "cartoon"), 200, 4


def build(store: Store) -> None:
    rng = np.random.default_rng(0)
    for fingerprint, width in MODELS.items():
        for domain in DOMAINS:
            ids = [f"{domain}-{number}" for number in range(ROWS)]
            z_ND = rng.standard_normal((ROWS, width)).astype(np.float32)
            hashes = [f"{fingerprint}-{row_id}" for row_id in ids]
            collection = store.build("live", domain=domain, fingerprint=fingerprint, width=width)
            collection.upsert(IndexRows(ids, ids, ids, hashes, z_ND))
        store.switch("live", fingerprint=fingerprint)


def ask(uri: str, *, times: int, client: int) -> Counter[str]:
    """Embed each query with the model that is served at that moment, and search by it."""
    rng, answered = np.random.default_rng(client), Counter[str]()
    with open_store(uri) as store:
        for _ in range(times):
            release = store.release("live")
            assert release is not None
            z_QD = rng.standard_normal((1, MODELS[release.fingerprint])).astype(np.float32)
            (hits,) = search(
                store, index="live", z_QD=z_QD, fingerprint=release.fingerprint, limit=15
            )
            models = {hit.content_hash.split("-")[0] for hit in hits}
            assert models == {release.fingerprint}
            assert len(hits) == 15
            answered[release.fingerprint] += 1
    return answered


def run(uri: str, *, searches: int) -> tuple[Counter[str], int]:
    """Let clients search while models switch; return answers by model, and switches."""
    over, switches = threading.Event(), Counter[str]()
    with open_store(uri) as store:
        build(store)

        def switch_on_and_on() -> None:
            while not over.is_set():
                for fingerprint in MODELS:
                    store.switch("live", fingerprint=fingerprint)
                    switches["done"] += 1

        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            switching = pool.submit(switch_on_and_on)
            try:
                asking = [
                    pool.submit(ask, uri, times=searches // CLIENTS, client=client)
                    for client in range(CLIENTS)
                ]
                answered = sum((one.result() for one in asking), Counter[str]())
            finally:
                over.set()
            switching.result()
    return answered, switches["done"]


def check(answered: Counter[str], switches: int, *, searches: int) -> None:
    assert answered.total() == searches
    assert set(answered) == set(MODELS)
    assert switches >= 4


def test_a_local_index_switches_under_load(tmp_path: Path) -> None:
    answered, switches = run(str(tmp_path / "index.db"), searches=200)
    check(answered, switches, searches=200)


@pytest.mark.long
def test_a_server_switches_under_load(tmp_path: Path) -> None:
    with milvus_server(tmp_path / "milvus") as uri:
        answered, switches = run(uri, searches=2000)
    check(answered, switches, searches=2000)
