"""Ranking metrics against values worked out by hand and against a slow, plain definition."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from samesense.metrics.ranking import (
    average_precision_at_k,
    hit_at_k,
    map_at_k,
    precision_at_k,
    precision_ceiling_at_k,
    rank,
    recall_at_k,
)

SIMILARITY = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
RELEVANT = np.array([[True, False, True, False], [True, False, False, False]])


def by_definition(similarity: np.ndarray, relevant: np.ndarray, k: int | None) -> dict[str, float]:
    ap, precision, hit, recall, ceiling = [], [], [], [], []
    for scores, wanted in zip(similarity.tolist(), relevant.tolist(), strict=True):
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
        size = len(order) if k is None else min(k, len(order))
        hits = [wanted[i] for i in order[:size]]
        terms = [sum(hits[: j + 1]) / (j + 1) for j in range(size) if hits[j]]
        ap.append(sum(terms) / len(terms) if terms else 0.0)
        precision.append(sum(hits) / size)
        hit.append(float(any(hits)))
        recall.append(sum(hits) / sum(wanted) if any(wanted) else 0.0)
        ceiling.append(min(sum(wanted), size) / size)
    values = {"ap": ap, "precision": precision, "hit": hit, "recall": recall, "ceiling": ceiling}
    return {name: float(np.mean(v)) for name, v in values.items()}


def test_by_hand() -> None:
    # Query 1 finds places 1 and 3; query 2 finds its one item at place 4.
    assert average_precision_at_k(SIMILARITY, RELEVANT, None) == pytest.approx(
        [(1 + 2 / 3) / 2, 1 / 4]
    )
    assert average_precision_at_k(SIMILARITY, RELEVANT, 2) == pytest.approx([1.0, 0.0])
    assert map_at_k(SIMILARITY, RELEVANT, 2) == pytest.approx(0.5)
    assert precision_at_k(SIMILARITY, RELEVANT, 2) == pytest.approx(0.25)
    assert hit_at_k(SIMILARITY, RELEVANT, 3) == pytest.approx(0.5)
    assert recall_at_k(SIMILARITY, RELEVANT, 1) == pytest.approx(0.25)
    assert precision_ceiling_at_k(RELEVANT, 2) == pytest.approx((1 + 1 / 2) / 2)


def test_average_precision_is_normalised_by_the_hits_within_k() -> None:
    similarity = np.array([[0.9, 0.8, 0.7, 0.6]])
    relevant = np.array([[False, True, True, True]])
    assert average_precision_at_k(similarity, relevant, 2) == pytest.approx([1 / 2])


def test_a_query_without_relevant_items_counts_as_zero() -> None:
    relevant = np.array([[True, False], [False, False]])
    similarity = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert map_at_k(similarity, relevant, 200) == pytest.approx(0.5)
    assert recall_at_k(similarity, relevant, 200) == pytest.approx(0.5)


def test_ties_rank_in_gallery_order() -> None:
    assert rank(np.array([[0.5, 0.7, 0.5, 0.7]]), None).tolist() == [[1, 3, 0, 2]]
    assert rank(np.array([[0.5, 0.5, 0.5]]), 2).tolist() == [[0, 1]]


@pytest.mark.parametrize("k", [1, 3, 7, 50, None])
@pytest.mark.parametrize("levels", [3, 1000])
def test_equals_the_definition_on_random_cases(k: int | None, levels: int) -> None:
    for seed in range(40):
        rng = np.random.default_rng([seed, levels])
        queries, gallery = rng.integers(1, 9), rng.integers(1, 30)
        similarity = rng.integers(0, levels, (queries, gallery)) / levels
        relevant = rng.random((queries, gallery)) < rng.random()
        expected = by_definition(similarity, relevant, k)
        assert map_at_k(similarity, relevant, k) == pytest.approx(expected["ap"], abs=1e-12)
        assert precision_at_k(similarity, relevant, k) == pytest.approx(expected["precision"])
        assert hit_at_k(similarity, relevant, k) == pytest.approx(expected["hit"])
        assert recall_at_k(similarity, relevant, k) == pytest.approx(expected["recall"])
        assert precision_ceiling_at_k(relevant, k) == pytest.approx(expected["ceiling"])


def test_agrees_with_sklearn_over_the_whole_gallery_without_ties() -> None:
    rng = np.random.default_rng(0)
    similarity, relevant = rng.random((50, 40)), rng.random((50, 40)) < 0.3
    relevant[:, 0] = True
    ours = average_precision_at_k(similarity, relevant, None)
    theirs = [average_precision_score(r, s) for r, s in zip(relevant, similarity, strict=True)]
    assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("truth", [torch.bool, torch.int64, torch.float32])
def test_tensors_count_as_arrays_do(dtype: torch.dtype, truth: torch.dtype) -> None:
    # Eighths are exact in every type.
    similarity = torch.tensor([[7, 6, 5, 4], [1, 2, 3, 4]]).to(dtype) / 8
    relevant = torch.tensor(RELEVANT).to(truth)
    graph = similarity.requires_grad_()
    assert average_precision_at_k(graph, relevant, 2) == pytest.approx([1.0, 0.0])
    assert recall_at_k(graph, relevant, 1) == pytest.approx(0.25)
    assert precision_ceiling_at_k(relevant, 2) == pytest.approx((1 + 1 / 2) / 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_whole_numbers_rank_by_value(dtype: type) -> None:
    lowest = np.iinfo(dtype).min
    assert rank(np.array([[lowest, 1, 2]], dtype=dtype), None).tolist() == [[2, 1, 0]]


def test_what_is_no_ranking_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        map_at_k(np.array([[np.nan, 1.0]]), np.array([[True, False]]), 1)
    with pytest.raises(ValueError, match="differ in shape"):
        map_at_k(np.zeros((2, 3)), np.zeros((2, 2), dtype=bool), 1)
    with pytest.raises(ValueError, match="nothing but 0 and 1"):
        map_at_k(np.zeros((2, 3)), np.full((2, 3), 2), 1)
    with pytest.raises(ValueError, match="k must be"):
        map_at_k(np.zeros((2, 3)), np.zeros((2, 3), dtype=bool), 0)


def test_no_queries_and_no_gallery_are_defined() -> None:
    assert map_at_k(np.zeros((0, 3)), np.zeros((0, 3), dtype=bool), 5) == 0.0
    assert map_at_k(np.zeros((2, 0)), np.zeros((2, 0), dtype=bool), 5) == 0.0
    assert precision_at_k(np.zeros((2, 0)), np.zeros((2, 0), dtype=bool), 5) == 0.0


def test_the_worked_example_of_the_documentation() -> None:
    """Answers 1 0 1 0 0 1 in order of similarity."""
    similarity_QG = np.linspace(1, 0, 6)[None]
    relevant_QG = np.array([[1, 0, 1, 0, 0, 1]])
    asked = (similarity_QG, relevant_QG)
    assert average_precision_at_k(*asked, 3)[0] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert average_precision_at_k(*asked, None)[0] == pytest.approx((1 / 1 + 2 / 3 + 3 / 6) / 3)
    assert precision_at_k(*asked, 4) == pytest.approx(2 / 4)
    assert precision_at_k(*asked, 200) == pytest.approx(3 / 6)
    assert precision_ceiling_at_k(relevant_QG, 4) == pytest.approx(3 / 4)
