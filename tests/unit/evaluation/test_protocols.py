"""Who is a query, who is gallery, what is counted, and that a leak is refused."""

import numpy as np
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols import scores
from samesense.evaluation.protocols.matrix import source_target_matrix
from samesense.evaluation.protocols.udcdr import udcdr
from samesense.metrics.ranking import map_at_k


def embedded(items: int = 60, seed: int = 0) -> Embedded:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(items):
        domain = ["photo", "sketch", "cartoon"][i % 3]
        split = "query" if domain == "sketch" else ["train", "gallery"][(i // 3) % 2]
        rows.append(
            {
                "id": str(i),
                "uri": f"/x/{i}.png",
                "domain": domain,
                "label": ["dog", "cat"][int(rng.integers(2))],
                "content_hash": f"c{i}",
                "split": split,
            }
        )
    z = rng.standard_normal((items, 8)).astype(np.float32)
    return Embedded(Manifest.from_rows(rows), z / np.linalg.norm(z, axis=1, keepdims=True))


def test_udcdr_searches_the_held_out_domain_in_the_gallery_alone() -> None:
    data = embedded()
    result = udcdr(data)
    query, gallery = data.of(splits=("query",)), data.of(splits=("gallery",))
    labels_q, labels_g = query.manifest.column("label"), gallery.manifest.column("label")
    relevant = (labels_q[:, None] == labels_g[None, :]).astype(bool)
    assert (result.n_queries, result.n_gallery) == (20, len(labels_g))
    assert result.values["mAP@200"] == pytest.approx(
        map_at_k(query.z_ND @ gallery.z_ND.T, relevant, 200)
    )


def test_blocks_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = udcdr(embedded())
    monkeypatch.setattr(scores, "QUERIES_PER_BLOCK", 7)
    assert udcdr(embedded()).values == pytest.approx(whole.values)


def test_an_image_that_was_trained_on_is_refused() -> None:
    data = embedded()
    rows = data.manifest.table.to_pylist()
    rows[1]["content_hash"] = rows[0]["content_hash"]  # a query with the bytes of a training image
    leaky = Embedded(Manifest.from_rows(rows), data.z_ND)
    with pytest.raises(CorpusError, match="trained on"):
        udcdr(leaky)


def test_a_corpus_without_queries_is_refused() -> None:
    with pytest.raises(CorpusError, match="0 queries"):
        udcdr(embedded().of(domains=("photo", "cartoon")))


def test_the_matrix_of_perfect_vectors_is_one_everywhere_and_symmetric() -> None:
    data = embedded()
    axis = (data.manifest.column("label") == "dog").astype(int)
    perfect = Embedded(data.manifest, np.eye(2, dtype=np.float32)[axis])
    matrix = source_target_matrix(perfect)
    assert matrix.domains == ["cartoon", "photo", "sketch"]
    assert matrix.map_KK == pytest.approx(np.ones((3, 3)))
    assert matrix.asymmetry_KK == pytest.approx(np.zeros((3, 3)))
    assert matrix.items_K.tolist() == [10, 10, 20]


def test_on_the_diagonal_a_query_is_not_its_own_answer() -> None:
    rows = [
        {"id": str(i), "uri": str(i), "domain": "photo", "label": label, "content_hash": str(i)}
        | {"split": "gallery"}
        for i, label in enumerate(["dog", "cat"])
    ]
    alone = Embedded(Manifest.from_rows(rows), np.eye(2, dtype=np.float32))
    assert source_target_matrix(alone).map_KK[0, 0] == 0.0
