"""Vectors on the plane of their two largest principal components. Shapes: N items, D width."""

from collections import Counter
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.evaluation.report.figure import INK, image_of
from samesense.metrics.projection import principal_plane

OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#c9b800", "#8c564b")
"""Colours that differ for colour-blind readers (Okabe and Ito); yellow darkened for white paper."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
OTHERS = ("#9a9a9a", ".")
MOST_POINTS = 1500
WORDS = {"domain": "domain", "label": "concept"}


def embedding_map(embedded: Embedded, *, colour_by: Literal["domain", "label"], state: str) -> str:
    """Return the items as points, each group with a colour and a marker of its own.

    Beyond eight groups the largest eight are told apart and the rest are grey.
    """
    plane_N2, explained = principal_plane(embedded.z_ND)
    step = max(1, -(-len(plane_N2) // MOST_POINTS))
    figure = Figure(figsize=(4.4, 3.4), layout="constrained")
    axes = figure.add_subplot()
    groups = embedded.manifest.column(colour_by)
    _scatter(axes, plane_N2[::step], groups[::step])
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#888888")
    axes.spines[:].set_linewidth(0.6)
    axes.legend(
        fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, labelcolor=INK
    )
    by = WORDS[colour_by]
    return image_of(
        figure,
        alt=f"Scatter plot of {len(plane_N2):,} {state} vectors on their two largest principal "
        f"components, one colour and marker for each {by}: {_counted(groups)}",
        caption=f"{state}, by {by}; the plane holds {explained:.0%} of the variance",
    )


def _counted(group_N: NDArray[np.object_]) -> str:
    largest = Counter(group_N.tolist()).most_common(len(OKABE_ITO))
    return ", ".join(f"{name} {count:,}" for name, count in largest)


def _scatter(axes: Axes, plane_N2: NDArray[np.float64], group_N: NDArray[np.object_]) -> None:
    largest = Counter(group_N.tolist()).most_common(len(OKABE_ITO))
    named = sorted(name for name, _ in largest)
    looks = zip(OKABE_ITO, MARKERS, strict=True)
    parts = [(name, group_N == name, *look) for name, look in zip(named, looks, strict=False)]
    others = ~np.isin(group_N.astype(str), named)
    if others.any():
        parts.insert(0, ("others", others, *OTHERS))
    for name, mine, colour, marker in parts:
        x, y = plane_N2[mine].T
        # Thousands of points are pixels inside the SVG; axes and words stay vectors.
        axes.scatter(
            x,
            y,
            s=14,
            alpha=0.75,
            linewidths=0,
            c=colour,
            marker=marker,
            label=name,
            rasterized=True,
        )
