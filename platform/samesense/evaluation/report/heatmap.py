"""Every domain searched from every other, as a heat map. Shapes: K domains."""

from matplotlib.figure import Figure

from samesense.evaluation.protocols.matrix import Matrix
from samesense.evaluation.report.figure import INK, image_of

LIGHT_ABOVE = 0.55
"""From here on viridis is so light that black reads better on it than white."""


def heat_map(matrix: Matrix, *, state: str) -> str:
    """Return the matrix as an image; rows are the query's domain, columns the gallery's."""
    figure = Figure(figsize=(4.4, 3.9), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(matrix.map_KK, vmin=0, vmax=1, cmap="viridis")
    names, ticks = matrix.domains, range(len(matrix.domains))
    axes.set_xticks(ticks, names, rotation=25, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, names)
    axes.tick_params(length=0, labelsize=9, colors=INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("gallery", color=INK, fontsize=9)
    axes.set_ylabel("query", color=INK, fontsize=9)
    for i, row in enumerate(matrix.map_KK):
        for j, value in enumerate(row):
            ink = "#000000" if value > LIGHT_ABOVE else "#ffffff"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=10)
    widest = float(matrix.asymmetry_KK.max(initial=0.0))
    return image_of(
        figure,
        alt=f"mAP@all between domains, {state}. {_in_words(matrix)}",
        caption=f"{state}; largest difference between two directions {widest:.2f}",
    )


def _in_words(matrix: Matrix) -> str:
    rows = zip(matrix.domains, matrix.map_KK, strict=True)
    return "; ".join(
        f"{source} to "
        + ", ".join(f"{t} {v:.2f}" for t, v in zip(matrix.domains, row, strict=True))
        for source, row in rows
    )
