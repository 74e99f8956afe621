"""A scene: one concept in a pose, among clutter, before anybody has drawn it.

Shapes: P points of a part, H × W pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samesense.corpus.rendered.shapes import Part, Role, area, ellipse, stroke

CLUTTER = (
    area((-1, 1), (0, -1), (1, 1), role="clutter"),
    ellipse(0, 0, 1, 1, role="clutter"),
    area((-1, -1), (1, -1), (1, 1), (-1, 1), role="clutter"),
    stroke((-1, 0), (-0.3, 0.5), (0.3, -0.5), (1, 0), role="clutter"),
)


@dataclass(frozen=True)
class Placed:
    """A part in pixels of the canvas."""

    points_P2: NDArray[np.float64]
    role: Role
    is_stroke: bool

    @property
    def path(self) -> list[tuple[float, float]]:
        """The points as a drawing library takes them."""
        return [(float(x), float(y)) for x, y in self.points_P2]


@dataclass(frozen=True)
class Scene:
    """What there is to draw, in the order of drawing."""

    side_px: int
    parts: tuple[Placed, ...]


def compose(parts: tuple[Part, ...], *, side_px: int, rng: np.random.Generator) -> Scene:
    """Place a concept's parts in a random pose, with one or two small things beside and behind."""
    half = side_px / 2
    clutter = [
        _place((CLUTTER[rng.integers(len(CLUTTER))],), _pose(rng, 0.1, 0.2, 0.5), corner, half)
        for corner in _corners(rng)
    ]
    centre = rng.uniform(-0.1, 0.1, 2)
    thing = _place(parts, _pose(rng, 0.68, 0.88, 0.03), centre, half)
    return Scene(side_px, tuple(p for group in (*clutter, thing) for p in group))


def _corners(rng: np.random.Generator) -> list[NDArray[np.float64]]:
    places = np.array([[-0.75, -0.75], [0.75, -0.75], [-0.75, 0.75], [0.75, 0.75]])
    chosen = rng.permutation(4)[: rng.integers(1, 3)]
    return [places[i] + rng.uniform(-0.15, 0.15, 2) for i in chosen]


def _pose(
    rng: np.random.Generator, smallest: float, largest: float, most_turns: float
) -> NDArray[np.float64]:
    """Return a 2 × 2 matrix: scale, mirror, shear and rotation."""
    turn = 2 * np.pi * rng.uniform(-most_turns, most_turns)
    scale = rng.uniform(smallest, largest)
    stretch = rng.uniform(0.85, 1.15)
    mirror = -1 if rng.random() < 0.5 else 1
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.array([[1.0, rng.uniform(-0.2, 0.2)], [0.0, 1.0]])
    pose: NDArray[np.float64] = scale * rotation @ shear @ np.diag([mirror * stretch, 1 / stretch])
    return pose


def _place(
    parts: tuple[Part, ...], pose: NDArray[np.float64], centre: NDArray[np.float64], half: float
) -> list[Placed]:
    return [
        Placed((np.array(p.points) @ pose.T + centre + 1) * half, p.role, p.kind == "stroke")
        for p in parts
    ]
