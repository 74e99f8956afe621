"""Heat maps and embedding maps as SVG inside the page. Shapes: N items, K domains."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.matrix import Matrix

mpl.rcParams["svg.fonttype"] = "none"
mpl.rcParams["svg.hashsalt"] = "samesense"
OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442", "#555555")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_POINTS = 700


def heat_map(matrix: Matrix, *, title: str) -> str:
    """Return mAP from each source domain (row) to each target domain (column) as SVG."""
    figure = Figure(figsize=(3.6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(matrix.map_KK, vmin=0, vmax=1, cmap="cividis")
    ticks = range(len(matrix.domains))
    axes.set_xticks(ticks, matrix.domains, rotation=30, ha="right", fontsize=8)
    axes.set_yticks(ticks, matrix.domains, fontsize=8)
    for i, row in enumerate(matrix.map_KK):
        for j, value in enumerate(row):
            ink = "black" if value > 0.55 else "white"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=8)
    axes.set_title(title, fontsize=9)
    return _svg(figure)


def embedding_map(embedded: Embedded, *, colour_by: str, title: str) -> str:
    """Return the first two principal components, coloured by domain or label, as SVG."""
    points_N2 = principal_components(embedded.z_ND)
    groups = embedded.manifest.column(colour_by)
    step = max(1, len(groups) // MOST_POINTS)
    figure = Figure(figsize=(3.8, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for i, name in enumerate(sorted(set(groups))):
        mine = points_N2[::step][groups[::step] == name]
        axes.scatter(
            mine[:, 0],
            mine[:, 1],
            s=9,
            alpha=0.75,
            linewidths=0,
            color=OKABE_ITO[i % len(OKABE_ITO)],
            marker=MARKERS[(i + i // len(OKABE_ITO)) % len(MARKERS)],
            label=name,
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9)
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return _svg(figure)


def principal_components(z_ND: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each row's coordinates (N, 2) along the two directions of largest variance."""
    centred = z_ND.astype(np.float64) - z_ND.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    plane: NDArray[np.float64] = centred @ vectors[:, [-1, -2]]
    return plane


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", facecolor="white", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
