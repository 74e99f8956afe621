"""Rows and collections that tests of the index write."""

import numpy as np
import numpy.typing as npt

from samesense.index.collection import Collection
from samesense.index.rows import IndexRows
from samesense.index.store import Store

OLD, NEW = "a1" * 32, "b2" * 32
WIDTH = 8
DOMAINS = ("photo", "pencil 'sketch' \"2\"", "3d 日本画")


def vectors(count: int, *, width: int = WIDTH, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return unit vectors (count, width)."""
    z_ND = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    unit_ND: npt.NDArray[np.float32] = z_ND / np.linalg.norm(z_ND, axis=1, keepdims=True)
    return unit_ND


def rows_for(z_ND: npt.NDArray[np.float32], *, name: str, version: str = "v1") -> IndexRows:
    """Return rows with made-up names for vectors."""
    numbers = range(len(z_ND))
    return IndexRows(
        ids=[f"{name}-{number:06}" for number in numbers],
        uris=[f"/corpus/{name}/'é\" {number}.png" for number in numbers],
        labels=[f"label {number % 3}" for number in numbers],
        content_hashes=[f"{version}-{number}" for number in numbers],
        z_ND=z_ND,
    )


def build_domains(store: Store, index: str, *, fingerprint: str = OLD) -> None:
    """Build three domains of twenty rows by a model; nothing is switched."""
    for seed, domain in enumerate(DOMAINS):
        collection = store.build(index, domain=domain, fingerprint=fingerprint, width=WIDTH)
        collection.upsert(rows_for(vectors(20, seed=seed), name=domain))


def filled(store: Store, index: str, *, count: int) -> Collection:
    """Return a collection of so many rows."""
    collection = store.build(index, domain="photo", fingerprint=OLD, width=WIDTH)
    collection.upsert(rows_for(vectors(count), name="photo"))
    collection.settle()
    return collection
