"""Small models and jobs for tests of bulk embedding."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from samesense.bulk.options import EmbedJob
from samesense.core.options import validate
from samesense.index.store import Store

Found = dict[str, tuple[str, str, str, np.ndarray[Any, Any]]]
"""Id → uri, label, content hash and vector."""


def embed_job(place: Path, **options: Any) -> EmbedJob:
    """Return a job whose cache, index and ledger lie in a folder; blocks are small."""
    return validate(
        {
            "index": "photos",
            "milvus": str(place / "milvus.db"),
            "cache": str(place / "cache"),
            "out": str(place / "out"),
            "encode": {"rows_per_block": 16, "images_per_forward": 8},
        }
        | options,
        kind=EmbedJob,
    )


def rows_of(store: Store, index: str, *, fingerprint: str | None = None) -> Found:
    """Return all that an index holds of a model."""
    found: Found = {}
    for collection in store.of_model(index, fingerprint):
        for page in collection.pages(fields=("id", "uri", "label", "content_hash", "vector")):
            for row in page:
                assert row["id"] not in found
                vector = np.asarray(row["vector"], dtype=np.float32)
                found[row["id"]] = (row["uri"], row["label"], row["content_hash"], vector)
    return found


def assert_same_rows(found: Found, expected: Found) -> None:
    """Check that two indexes hold the same rows with equal vectors."""
    assert found.keys() == expected.keys()
    for row_id, row in found.items():
        assert row[:3] == expected[row_id][:3]
        np.testing.assert_allclose(row[3], expected[row_id][3], atol=1e-6)


def uris(found: Found) -> Iterable[str]:
    """Return the URIs of rows."""
    return sorted(row[0] for row in found.values())
