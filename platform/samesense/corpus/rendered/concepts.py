"""Twelve everyday things as outlines; the later parts lie on top of the earlier."""

import math

from samesense.corpus.rendered.shapes import Part, arc, area, box, ellipse, stroke


def _star(points: int, outer: float, inner: float) -> tuple[tuple[float, float], ...]:
    corners = []
    for i in range(2 * points):
        radius = inner if i % 2 else outer
        angle = math.pi * i / points - math.pi / 2
        corners.append((radius * math.cos(angle), radius * math.sin(angle)))
    return tuple(corners)


def _petals(count: int) -> tuple[Part, ...]:
    angles = [2 * math.pi * i / count for i in range(count)]
    return tuple(
        ellipse(0.42 * math.cos(a), -0.35 + 0.42 * math.sin(a), 0.26, 0.26) for a in angles
    )


CONCEPTS: dict[str, tuple[Part, ...]] = {
    "house": (
        box(-0.7, -0.1, 0.7, 0.9),
        area((-0.95, -0.1), (0, -0.95), (0.95, -0.1), role="accent"),
        box(-0.15, 0.35, 0.2, 0.9, role="detail"),
        box(0.35, 0.1, 0.58, 0.35, role="detail"),
        box(-0.55, 0.1, -0.3, 0.35, role="detail"),
    ),
    "tree": (
        box(-0.13, 0.2, 0.13, 0.95, role="accent"),
        ellipse(0, -0.45, 0.5, 0.48),
        ellipse(-0.4, -0.1, 0.42, 0.38),
        ellipse(0.4, -0.1, 0.42, 0.38),
    ),
    "fish": (
        area((0.5, 0), (0.98, -0.5), (0.86, 0), (0.98, 0.5), role="accent"),
        ellipse(-0.15, 0, 0.75, 0.42),
        area((-0.15, -0.36), (0.25, -0.75), (0.3, -0.3), role="accent"),
        ellipse(-0.58, -0.1, 0.08, 0.08, role="detail"),
        stroke((-0.32, -0.3), (-0.22, 0), (-0.32, 0.3)),
    ),
    "car": (
        area((-0.55, -0.1), (-0.3, -0.55), (0.35, -0.55), (0.6, -0.1), role="accent"),
        area(
            (-0.95, 0.4), (-0.95, -0.02), (-0.55, -0.12), (0.65, -0.12), (0.95, 0.08), (0.95, 0.4)
        ),
        box(-0.36, -0.43, 0.0, -0.12, role="detail"),
        ellipse(-0.52, 0.42, 0.25, 0.25, role="detail"),
        ellipse(0.52, 0.42, 0.25, 0.25, role="detail"),
    ),
    "boat": (
        area((-0.95, 0.3), (0.95, 0.3), (0.6, 0.85), (-0.6, 0.85)),
        stroke((0, 0.3), (0, -0.95)),
        area((0.07, -0.9), (0.8, 0.15), (0.07, 0.15), role="accent"),
        area((-0.07, -0.6), (-0.07, 0.15), (-0.6, 0.15), role="accent"),
    ),
    "cup": (
        stroke(*arc(0.55, 0.05, 0.36, 0.34, -0.25, 0.25), role="body"),
        area((-0.65, -0.6), (0.6, -0.6), (0.45, 0.75), (-0.5, 0.75)),
        ellipse(-0.025, -0.6, 0.63, 0.17, role="accent"),
        stroke((-0.3, -0.8), (-0.2, -0.9), (-0.3, -1.0)),
    ),
    "star": (area(*_star(5, 0.98, 0.4)), ellipse(0, 0, 0.16, 0.16, role="accent")),
    "umbrella": (
        stroke((0, -0.2), (0, 0.75), *arc(-0.18, 0.75, 0.18, 0.2, 0, 0.5)),
        area(
            *arc(0, 0.05, 0.95, 0.9, 0.5, 1.0),
            *arc(0.63, 0.05, 0.32, 0.2, 0, -0.5),
            *arc(0.0, 0.05, 0.31, 0.2, 0, -0.5),
            *arc(-0.63, 0.05, 0.32, 0.2, 0, -0.5),
        ),
        area((-0.3, 0.0), (0, -0.85), (0.3, 0.0), role="accent"),
    ),
    "key": (
        ellipse(-0.55, 0, 0.42, 0.42),
        ellipse(-0.55, 0, 0.2, 0.2, role="detail"),
        box(-0.18, -0.1, 0.95, 0.1),
        box(0.5, 0.08, 0.64, 0.42, role="body"),
        box(0.78, 0.08, 0.94, 0.36, role="body"),
    ),
    "mushroom": (
        area((-0.22, 0.0), (0.22, 0.0), (0.3, 0.9), (-0.3, 0.9), role="accent"),
        area(*arc(0, 0.1, 0.9, 0.95, 0.5, 1.0)),
        ellipse(-0.4, -0.25, 0.15, 0.13, role="detail"),
        ellipse(0.1, -0.5, 0.16, 0.14, role="detail"),
        ellipse(0.5, -0.15, 0.12, 0.11, role="detail"),
    ),
    "lamp": (
        box(-0.5, 0.8, 0.5, 0.95, role="accent"),
        stroke((0, 0.85), (0, 0.0), role="accent"),
        area((-0.35, -0.9), (0.35, -0.9), (0.75, 0.05), (-0.75, 0.05)),
        stroke((0.4, 0.05), (0.4, 0.4)),
    ),
    "flower": (
        stroke((0, 0), (0.05, 0.95), role="accent"),
        area((0.03, 0.75), (0.5, 0.4), (0.6, 0.6), role="accent"),
        *_petals(6),
        ellipse(0, -0.35, 0.24, 0.24, role="detail"),
    ),
}
