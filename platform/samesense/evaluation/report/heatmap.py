"""Every domain searched from every other, as a heat map. Shapes: K domains."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from samesense.evaluation.protocols.matrix import Matrix
from samesense.evaluation.report.figure import INK, image_of

SIZE = (4.4, 3.9)
LIGHT_ABOVE = 0.55
"""From here on viridis is so light that black reads better on it than white."""
DARK_BEYOND = 0.75
"""The same of PuOr, whose ends are dark."""
SHOWN = 0.005
"""What rounds to more than 0.00."""


def heat_map(matrix: Matrix, *, state: str) -> str:
    """Return the matrix as an image; rows are the query's domain, columns the gallery's."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(matrix.map_KK, vmin=0, vmax=1, cmap="viridis")
    _name_axes(axes, matrix.domains, rows="query", columns="gallery")
    for (i, j), value in np.ndenumerate(matrix.map_KK):
        ink = "#000000" if value > LIGHT_ABOVE else "#ffffff"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=10)
    return image_of(
        figure,
        alt=f"Heat map of mAP@all between domains, {state}. {_in_words(matrix)}",
        caption=f"{state}: mAP@all",
    )


def asymmetry_map(matrix: Matrix, *, state: str, widest: float) -> str:
    """Return how much better a domain is searched from another than the other way, as an image.

    ``widest`` is where the colours end, so that two maps can share them.
    """
    difference_KK = matrix.map_KK - matrix.map_KK.T
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(difference_KK, vmin=-widest, vmax=widest, cmap="PuOr")
    _name_axes(axes, matrix.domains, rows="from", columns="to")
    for (i, j), value in np.ndenumerate(difference_KK):
        ink = "#ffffff" if abs(value) > DARK_BEYOND * widest else "#000000"
        words = "" if i == j else "0" if abs(value) < SHOWN else f"{value:+.2f}"
        axes.text(j, i, words, ha="center", va="center", color=ink, fontsize=10)
    return image_of(
        figure,
        alt=f"Heat map of the asymmetry between domains, {state}. {asymmetry_in_words(matrix)}",
        caption=f"{state}: this direction minus the other. {asymmetry_in_words(matrix)}",
    )


def asymmetry_in_words(matrix: Matrix) -> str:
    """Return the two directions that differ most."""
    i, j = np.unravel_index((matrix.map_KK - matrix.map_KK.T).argmax(), matrix.map_KK.shape)
    there, back = matrix.map_KK[i, j], matrix.map_KK[j, i]
    if there == back:
        return "No two directions differ"
    a, b = matrix.domains[i], matrix.domains[j]
    return f"Widest: {a} → {b} {there:.2f}, {b} → {a} {back:.2f}"


def _name_axes(axes: Axes, names: Sequence[str], *, rows: str, columns: str) -> None:
    axes.set_xticks(range(len(names)), names, rotation=25, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=9, colors=INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(columns, color=INK, fontsize=9)
    axes.set_ylabel(rows, color=INK, fontsize=9)


def _in_words(matrix: Matrix) -> str:
    rows = zip(matrix.domains, matrix.map_KK, strict=True)
    return "; ".join(
        f"{source} to "
        + ", ".join(f"{t} {v:.2f}" for t, v in zip(matrix.domains, row, strict=True))
        for source, row in rows
    )
