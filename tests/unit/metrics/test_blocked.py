"""Rankings in blocks against the plain definition on whole matrices."""

import numpy as np
import pytest

from samesense.metrics import blocked
from samesense.metrics.blocked import average_precision_of_all, first_answers
from samesense.metrics.ranking import average_precision, average_precision_at_k, rank

CASES = 1000


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "QUERIES_AT_ONCE", 3)
    monkeypatch.setattr(blocked, "GALLERY_AT_ONCE", 4)
    monkeypatch.setattr(blocked, "ENTRIES_AT_ONCE", 20)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vectors of whole numbers, so that many similarities are equal, and labels."""
    rng = np.random.default_rng(seed)
    queries, gallery = int(rng.integers(1, 8)), int(rng.integers(1, 25))
    levels = int(rng.integers(1, 4))
    q = rng.integers(-levels, levels + 1, (queries, 3)).astype(np.float32)
    g = rng.integers(-levels, levels + 1, (gallery, 3)).astype(np.float32)
    label_q, label_g = rng.integers(0, 4, queries), rng.integers(0, 3, gallery)
    return q, g, label_q, label_g


def test_random_cases_agree_with_the_definition() -> None:
    for seed in range(CASES):
        q, g, label_q, label_g = drawn(seed)
        similarity, relevant = q @ g.T, label_q[:, None] == label_g[None, :]
        for k in (1, 5, 200):
            found = first_answers(q, gallery_GD=g, k=k)
            expected = rank(similarity, k)
            np.testing.assert_array_equal(found.gallery_QK, expected)
            np.testing.assert_array_equal(
                found.similarity_QK, np.take_along_axis(similarity, expected, axis=1)
            )
            hits = np.take_along_axis(relevant, found.gallery_QK, axis=1)
            np.testing.assert_allclose(
                average_precision(hits), average_precision_at_k(similarity, relevant, k), atol=1e-9
            )
        found_all = average_precision_of_all(q, gallery_GD=g, label_Q=label_q, label_G=label_g)
        expected_all = average_precision_at_k(similarity, relevant, None)
        np.testing.assert_allclose(found_all, expected_all, atol=1e-9)


def test_what_has_the_query_s_own_key_is_left_out() -> None:
    for seed in range(200):
        q, g, label_q, label_g = drawn(seed)
        rng = np.random.default_rng(seed)
        key_q, key_g = rng.integers(0, 6, len(q)), rng.integers(0, 6, len(g))
        keys = {"key_Q": key_q, "key_G": key_g}
        itself = key_q[:, None] == key_g[None, :]
        similarity = np.where(itself, -np.inf, q @ g.T)
        relevant = (label_q[:, None] == label_g[None, :]) & ~itself
        found = first_answers(q, gallery_GD=g, k=7, **keys)
        np.testing.assert_array_equal(found.gallery_QK, rank(similarity, 7))
        assert np.isneginf(found.similarity_QK).sum() == (
            np.take_along_axis(itself, rank(similarity, 7), axis=1).sum()
        )
        found_all = average_precision_of_all(
            q, gallery_GD=g, label_Q=label_q, label_G=label_g, **keys
        )
        # Without what is left out, not with it at the end: a gallery of fewer items.
        np.testing.assert_allclose(
            found_all, average_precision_at_k(similarity, relevant, None), atol=1e-9
        )


def test_numbers_of_every_size_and_sign_rank_by_value() -> None:
    g = np.array([[0.0], [-0.0], [1e-38], [-1e-38], [3e38], [-3e38], [2.5], [-2.5]], np.float32)
    found = first_answers(np.ones((1, 1), np.float32), gallery_GD=g, k=8)
    assert found.gallery_QK[0].tolist() == [4, 6, 2, 0, 1, 3, 7, 5]


def test_nothing_in_gives_nothing_out() -> None:
    nothing, something = np.empty((0, 3), np.float32), np.ones((2, 3), np.float32)
    assert first_answers(nothing, gallery_GD=something, k=5).gallery_QK.shape == (0, 2)
    assert first_answers(something, gallery_GD=nothing, k=5).gallery_QK.shape == (2, 0)
    labels = np.array(["a", "b"])
    assert average_precision_of_all(
        something, gallery_GD=nothing, label_Q=labels, label_G=labels[:0]
    ).tolist() == [0, 0]


def test_what_is_no_ranking_is_refused() -> None:
    broken = np.full((1, 3), np.nan, np.float32)
    with pytest.raises(ValueError, match="NaN"):
        first_answers(broken, gallery_GD=np.ones((2, 3), np.float32), k=1)
    with pytest.raises(ValueError, match="NaN"):
        average_precision_of_all(
            broken, gallery_GD=np.ones((1, 3), np.float32), label_Q=["a"], label_G=np.array(["a"])
        )
    with pytest.raises(ValueError, match="k must be 1 or more"):
        first_answers(broken, gallery_GD=broken, k=0)
