"""Many vectors in ten domains on a real Milvus server, against one collection of the same size.

Build time, recall@10 of the approximate search, and the latency of a search over all domains. The
server is that of `make milvus-server`, or the one at --milvus.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from _milvus import milvus_server
from _setting import report

from samesense.bulk.verify import recall
from samesense.index.options import HnswIndex
from samesense.index.rows import IndexRows
from samesense.index.store import Store, open_store
from samesense.search.query import search

FINGERPRINT = "a1" * 32
ROWS_A_WRITE = 10_000
CENTRES, SPREAD = 2_000, 0.6
QUERIES = 200
Vectors = npt.NDArray[np.float32]


def draw(count: int, *, width: int, seed: int) -> Vectors:
    """Return unit vectors around common centres, as concepts have them."""
    centres = np.random.default_rng(0).standard_normal((CENTRES, width)).astype(np.float32)
    rng = np.random.default_rng(seed + 1)
    noise = rng.standard_normal((count, width)).astype(np.float32)
    z_ND = centres[rng.integers(0, CENTRES, count)] + SPREAD * noise
    unit_ND: Vectors = z_ND / np.linalg.norm(z_ND, axis=1, keepdims=True)
    return unit_ND


def build(store: Store, index: str, *, domains: int, rows: int, width: int) -> float:
    """Fill and serve an index of so many rows in all; return the seconds."""
    started = time.monotonic()
    for domain in range(domains):
        collection = store.build(
            index,
            domain=f"domain{domain}",
            fingerprint=FINGERPRINT,
            width=width,
            options=HnswIndex(),
        )
        for start in range(0, rows // domains, ROWS_A_WRITE):
            count = min(ROWS_A_WRITE, rows // domains - start)
            ids = [f"{domain}-{number}" for number in range(start, start + count)]
            z_ND = draw(count, width=width, seed=domain * rows + start)
            collection.upsert(IndexRows(ids, ids, ids, ids, z_ND))
    store.switch(index, fingerprint=FINGERPRINT)
    return time.monotonic() - started


def median_ms(ask: Callable[[Vectors], object], z_QD: Vectors) -> float:
    """Return the median time of one query after another."""
    times = []
    for z_D in z_QD:
        started = time.perf_counter()
        ask(z_D[None])
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def measure(uri: str, *, rows: int, domains: int, width: int) -> None:
    """Build both, ask both."""
    z_QD = draw(QUERIES, width=width, seed=-1)
    latency, seconds, found = {}, {}, {}
    with open_store(uri, patience_s=600) as store:
        for count in (domains, 1):
            index = f"bench{count}"
            seconds[count] = build(store, index, domains=count, rows=rows, width=width)

            def ask(z_QD: Vectors, index: str = index) -> object:
                return search(store, index=index, z_QD=z_QD, fingerprint=FINGERPRINT, limit=10)

            median_ms(ask, z_QD[:20])
            latency[count] = median_ms(ask, z_QD)
            found[count] = np.mean([recall(one, z_QD) for one in store.of_model(index)])
    report(
        "index.search",
        ratio=latency[domains] / latency[1],
        bar=1.5,
        rows=rows,
        width=width,
        domains=domains,
        median_ms=latency[domains],
        median_ms_one_collection=latency[1],
        recall_at_10=float(found[domains]),
        recall_at_10_one_collection=float(found[1]),
        build_s=seconds[domains],
        build_s_one_collection=seconds[1],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milvus", help="address of a server; by default one is started")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--domains", type=int, default=10)
    parser.add_argument("--width", type=int, default=128)
    given = parser.parse_args()
    sizes = {"rows": given.rows, "domains": given.domains, "width": given.width}
    if given.milvus:
        measure(given.milvus, **sizes)
    else:
        with milvus_server() as uri:
            measure(uri, **sizes)
