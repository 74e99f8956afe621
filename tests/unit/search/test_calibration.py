import numpy as np
import pytest

from samesense.index.rows import Hit
from samesense.search.calibration import Background
from samesense.search.merge import by_calibrated_score, by_reciprocal_rank


def _hit(key: str, score: float, *, domain: str) -> Hit:
    return Hit(id=key, uri=key, domain=domain, label="l", score=score, content_hash=key)


def _unit(rng: np.random.Generator, *, rows: int, width: int) -> np.ndarray:
    z_ND = rng.normal(size=(rows, width)) + 1.0
    return (z_ND / np.linalg.norm(z_ND, axis=1, keepdims=True)).astype(np.float32)


def test_calibrated_scores_of_a_whole_domain_have_mean_0_and_deviation_1() -> None:
    z_ND, z_D = (
        _unit(rng := np.random.default_rng(0), rows=200, width=8),
        _unit(rng, rows=1, width=8),
    )
    calibrated = Background.of(z_ND).standardise((z_ND @ z_D[0]).astype(np.float64), z_D=z_D[0])
    assert calibrated.mean() == pytest.approx(0, abs=1e-5)
    assert calibrated.std() == pytest.approx(1, abs=1e-5)


def test_two_rows_by_hand() -> None:
    # Cosines with (1, 0) are 1 and 0: mean 1/2, deviation 1/2.
    background = Background.of(np.array([[1, 0], [0, 1]], dtype=np.float32))
    scores = background.standardise(np.array([1.0, 0.0]), z_D=np.array([1, 0], dtype=np.float32))
    assert scores.tolist() == pytest.approx([1.0, -1.0])


def test_a_domain_of_one_row_gives_finite_scores() -> None:
    z_D = np.array([1, 0], dtype=np.float32)
    assert Background.of(z_D[None]).standardise(np.array([1.0]), z_D=z_D).tolist() == [0.0]


def test_a_domain_near_to_every_query_does_not_push_out_the_others() -> None:
    rng = np.random.default_rng(1)
    near_ND, far_ND = _unit(rng, rows=100, width=8), _unit(rng, rows=100, width=8)
    far_ND[:, :4] *= -1
    z_D = _unit(rng, rows=1, width=8)[0]
    ranked = {
        name: [
            [
                _hit(f"{name}{n}", float(score), domain=name)
                for n, score in sorted(enumerate(z_ND @ z_D), key=lambda pair: -pair[1])[:10]
            ]
        ]
        for name, z_ND in (("near", near_ND), ("far", far_ND))
    }
    backgrounds = {"near": Background.of(near_ND), "far": Background.of(far_ND)}
    merged = by_calibrated_score(ranked, z_QD=z_D[None], backgrounds=backgrounds, limit=10)[0]
    assert max(hit.score for hit in ranked["far"][0]) < min(hit.score for hit in ranked["near"][0])
    assert {one.hit.domain for one in merged} == {"near", "far"}
    scores = [one.merged_score for one in merged]
    assert scores == sorted(scores, reverse=True)


def test_reciprocal_rank_takes_turns_and_breaks_ties_by_score() -> None:
    ranked = {
        "a": [[_hit("a1", 0.2, domain="a"), _hit("a2", 0.1, domain="a")]],
        "b": [[_hit("b1", 0.9, domain="b"), _hit("b2", 0.8, domain="b")]],
    }
    merged = by_reciprocal_rank(ranked, limit=3)[0]
    assert [one.hit.id for one in merged] == ["b1", "a1", "b2"]
    assert [one.merged_score for one in merged] == pytest.approx([1 / 61, 1 / 61, 1 / 62])
