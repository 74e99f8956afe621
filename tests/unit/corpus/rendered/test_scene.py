import numpy as np
import pytest

from samesense.corpus.rendered.concepts import CONCEPTS
from samesense.corpus.rendered.scene import compose

SIDE_PX = 100


@pytest.mark.parametrize("concept", sorted(CONCEPTS))
def test_the_thing_is_drawn_last_large_and_mostly_inside(concept: str) -> None:
    parts = CONCEPTS[concept]
    for seed in range(30):
        scene = compose(parts, side_px=SIDE_PX, rng=np.random.default_rng(seed))
        thing, clutter = scene.parts[-len(parts) :], scene.parts[: -len(parts)]
        assert [part.role for part in thing] == [part.role for part in parts]
        assert 1 <= len(clutter) <= 4
        assert {part.role for part in clutter} == {"clutter"}
        points = np.vstack([part.points_P2 for part in thing])
        assert np.ptp(points, axis=0).max() > 0.4 * SIDE_PX
        assert ((points > -0.1 * SIDE_PX) & (points < 1.1 * SIDE_PX)).all()


def test_poses_differ() -> None:
    poses = [
        compose(CONCEPTS["key"], side_px=SIDE_PX, rng=np.random.default_rng(seed)).parts[-1]
        for seed in range(20)
    ]
    spread = np.std([pose.points_P2 for pose in poses], axis=0)
    assert (spread > 0.05 * SIDE_PX).all()


@pytest.mark.parametrize("concept", sorted(CONCEPTS))
def test_a_concept_fits_its_square(concept: str) -> None:
    points = np.array([point for part in CONCEPTS[concept] for point in part.points])
    assert np.abs(points).max() <= 1.05
    assert np.ptp(points, axis=0).min() >= 0.5
