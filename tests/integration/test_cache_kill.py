"""Writers that are killed at random moments lose nothing that they acknowledged."""

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from samesense.index.store import open_store
from samesense.vectors.cache import VectorCache

KILLS = 12
ROWS = 2_000
FINGERPRINT = "c3" * 32

# Each prints a number when everything below it is written, as a bulk job notes its progress.
CACHE_WRITER = f"""
import sys, time
import numpy as np
from samesense.vectors.cache import VectorCache
print(0, flush=True)
cache = VectorCache(sys.argv[1], fingerprint="{FINGERPRINT}")
for start in range(0, {ROWS}, 10):
    keys = cache.missing(str(key) for key in range(start, start + 10))
    if keys:
        cache.put(keys, np.array([[int(key)] * 64 for key in keys], np.float32))
        time.sleep(0.01)
    print(start + 10, flush=True)
"""
INDEX_WRITER = f"""
import sys
import numpy as np
from samesense.index.rows import IndexRows
from samesense.index.store import open_store
print(0, flush=True)
store = open_store(sys.argv[1])
done = 0
for domain in ("photo", "sketch"):
    collection = store.build("toys", domain=domain, fingerprint="{FINGERPRINT}", width=64)
    for start in range(0, {ROWS}, 100):
        ids = [f"{{domain}}-{{number}}" for number in range(start, start + 100)]
        z_ND = np.array([[number + 1] * 64 for number in range(start, start + 100)], np.float32)
        collection.upsert(IndexRows(ids, ids, ids, ids, z_ND))
        done += 100
        print(done, flush=True)
    collection.settle()
store.switch("toys", fingerprint="{FINGERPRINT}")
store.close()
"""


def _run_and_kill(script: str, folder: Path, *, after_s: float) -> int:
    """Run a writer, kill it after a time, and return the last number that it printed."""
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(after_s)
        writer.kill()
        lines = [first, *writer.stdout]
    complete = [line for line in lines if line.endswith("\n")]
    return int(complete[-1]) if complete else 0


def _delays_s(*, longest_s: float) -> Sequence[float]:
    return [random.Random(kill).random() ** 2 * longest_s for kill in range(KILLS)]


@pytest.mark.integration
def test_a_killed_cache_writer_loses_no_acknowledged_vector(tmp_path: Path) -> None:
    for after_s in _delays_s(longest_s=0.3):
        acknowledged = _run_and_kill(CACHE_WRITER, tmp_path, after_s=after_s)
        cache = VectorCache(tmp_path, fingerprint=FINGERPRINT)
        keys = [str(key) for key in range(acknowledged)]
        assert cache.missing(keys) == []
        assert (cache.get(keys) == np.arange(acknowledged)[:, None]).all()
    subprocess.run([sys.executable, "-c", CACHE_WRITER, str(tmp_path)], check=True, timeout=120)
    assert len(VectorCache(tmp_path, fingerprint=FINGERPRINT)) == ROWS


@pytest.mark.integration
@pytest.mark.parametrize("attempt", range(4))
def test_a_killed_index_writer_leaves_an_index_that_a_rerun_completes(
    tmp_path: Path, attempt: int
) -> None:
    folder = tmp_path / "index.db"
    for after_s in _delays_s(longest_s=0.8)[attempt::4]:  # the first within the creation, often
        acknowledged = _run_and_kill(INDEX_WRITER, folder, after_s=after_s)
        with open_store(str(folder)) as store:
            collections = store.collections("toys")
            found = [key for one in collections for key in one.ids_with_hashes()]
            assert sum(one.count() for one in collections) == len(set(found)) >= acknowledged
    subprocess.run([sys.executable, "-c", INDEX_WRITER, str(folder)], check=True, timeout=120)
    with open_store(str(folder)) as store:
        assert [(one.domain, one.count) for one in store.served("toys")] == [
            ("photo", ROWS),
            ("sketch", ROWS),
        ]
        for collection in store.collections("toys"):
            domain = collection.contents.domain
            assert set(collection.ids_with_hashes()) == {f"{domain}-{n}" for n in range(ROWS)}
