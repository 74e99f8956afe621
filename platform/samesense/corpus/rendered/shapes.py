"""Parts of which concepts are made. Coordinates run from −1 to 1, y downwards."""

import math
from dataclasses import dataclass
from typing import Literal

Role = Literal["body", "accent", "detail", "clutter"]
Point = tuple[float, float]
ELLIPSE_POINTS = 28


@dataclass(frozen=True)
class Part:
    """A filled outline, or an open stroke."""

    points: tuple[Point, ...]
    role: Role
    kind: Literal["area", "stroke"] = "area"


def area(*points: Point, role: Role = "body") -> Part:
    """Return a polygon."""
    return Part(points, role)


def stroke(*points: Point, role: Role = "detail") -> Part:
    """Return an open line."""
    return Part(points, role, kind="stroke")


def box(left: float, top: float, right: float, bottom: float, *, role: Role = "body") -> Part:
    """Return an upright rectangle."""
    return Part(((left, top), (right, top), (right, bottom), (left, bottom)), role)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> tuple[Point, ...]:
    """Return points along an ellipse between two angles, in turns clockwise from the right."""
    steps = max(3, round(ELLIPSE_POINTS * abs(end - start)))
    angles = (2 * math.pi * (start + (end - start) * i / steps) for i in range(steps + 1))
    return tuple((x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles)


def ellipse(x: float, y: float, rx: float, ry: float, *, role: Role = "body") -> Part:
    """Return an ellipse by its centre and radii."""
    return Part(arc(x, y, rx, ry, 0, 1)[:-1], role)
