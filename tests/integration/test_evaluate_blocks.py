"""Queries ranked by several Ray workers: the same numbers, to the bit."""

import os

import numpy as np
import pytest

from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols import scores
from samesense.evaluation.protocols.udcdr import udcdr
from samesense.experiments.blocks import on_workers

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("ray_cluster")]
QUERIES, GALLERY, WIDTH, CONCEPTS = 3000, 1500, 64, 11


def test_workers_give_what_one_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    count = QUERIES + GALLERY
    rows = [
        {"id": str(i), "uri": str(i), "label": f"concept{rng.integers(CONCEPTS)}"}
        | {"domain": "sketch" if i < QUERIES else "photo", "content_hash": str(i % (count - 50))}
        | {"split": "query" if i < QUERIES else "gallery"}
        for i in range(count)
    ]
    z_ND = rng.standard_normal((count, WIDTH)).astype(np.float32)
    z_ND[::7] = z_ND[0]  # ties
    data = Embedded(Manifest.from_rows(rows), z_ND / np.linalg.norm(z_ND, axis=1, keepdims=True))
    monkeypatch.setattr(scores, "PAIRS_AT_ONCE", 1)
    alone, shared = udcdr(data), udcdr(data, each=on_workers)
    assert shared.values == alone.values
    for name, values_Q in alone.per_query.items():
        assert np.array_equal(shared.per_query[name], values_Q), name


def test_several_blocks_leave_this_process_and_keep_their_order() -> None:
    blocks = [range(start, start + 2) for start in range(0, 8, 2)]
    found = list(on_workers(lambda block: (block.start, os.getpid()), blocks))
    assert [start for start, _ in found] == [0, 2, 4, 6]
    assert os.getpid() not in {process for _, process in found}
    (alone,) = on_workers(lambda block: os.getpid(), blocks[:1])
    assert alone == os.getpid()
