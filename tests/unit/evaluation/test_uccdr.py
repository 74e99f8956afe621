"""UcCDR: a query is searched in other domains than its own, by hand and by brute force."""

import numpy as np
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.uccdr import uccdr
from samesense.metrics.ranking import average_precision_at_k


def items(rows: list[tuple[str, str, str]], z: np.ndarray) -> Embedded:
    """Items of (domain, label, split)."""
    manifest = Manifest.from_rows(
        [
            {"id": str(i), "uri": str(i), "domain": d, "label": c, "content_hash": str(i)}
            | {"split": word}
            for i, (d, c, word) in enumerate(rows)
        ]
    )
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    return Embedded(manifest, z.astype(np.float32))


def test_one_query_by_hand() -> None:
    """A sketch of a dog; photos by similarity: cat, dog, dog. AP = (1/2 + 2/3) / 2 = 7/12."""
    rows = [("sketch", "dog", "query")]
    rows += [("photo", label, "gallery") for label in ("cat", "dog", "dog")]
    scores = uccdr(items(rows, np.array([[1, 0], [1, 0.1], [1, 0.2], [1, 0.3]], float)))
    assert scores.values["mAP@200"] == pytest.approx(7 / 12)
    assert scores.values["Prec@200"] == pytest.approx(2 / 3)  # of a gallery of 3, not of 200
    assert scores.values["Prec@200 ceiling"] == pytest.approx(2 / 3)
    assert (scores.n_queries, scores.n_gallery) == (1, 3)


def test_each_image_is_searched_in_the_other_domains() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (["photo", "art", "cartoon"][i % 3], "abc"[int(rng.integers(3))], "gallery")
        for i in range(90)
    ]
    data = items(rows, rng.standard_normal((90, 5)))
    domain_N, label_N = (data.manifest.column(name) for name in ("domain", "label"))
    expected = []
    for i in range(90):
        other_N = domain_N != domain_N[i]
        relevant = (label_N[other_N] == label_N[i])[None].astype(bool)
        similarity = data.z_ND[i : i + 1] @ data.z_ND[other_N].T
        expected.append(average_precision_at_k(similarity, relevant, 200)[0])
    scores = uccdr(data)
    assert scores.values["mAP@200"] == pytest.approx(np.mean(expected))
    assert sorted(scores.per_query["mAP@200"]) == pytest.approx(sorted(expected))
    assert (scores.n_queries, scores.n_gallery) == (90, 90)


def test_means_are_over_queries_not_over_domains() -> None:
    """Two sketches are found, one drawing is not: 2/3, and not the mean of 1 and 0."""
    rows = [("sketch", "dog", "query")] * 2 + [("drawing", "cat", "query")]
    rows += [("photo", "dog", "gallery")]
    scores = uccdr(items(rows, np.ones((4, 2))))
    assert scores.values["mAP@200"] == pytest.approx(2 / 3)
    assert scores.values["queries without an answer"] == pytest.approx(1 / 3)
    assert scores.n_queries == 3  # the photo has no gallery of another domain


def test_one_domain_alone_is_refused() -> None:
    rows = [("photo", "dog", "gallery")] * 3
    with pytest.raises(CorpusError, match="held-out classes are in photo alone"):
        uccdr(items(rows, np.ones((3, 2))))
