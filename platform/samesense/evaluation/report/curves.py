"""Curves of training runs as one picture: a panel a metric, a line a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from samesense.core.storage import write_atomically
from samesense.evaluation.report.figure import INK
from samesense.evaluation.report.maps import MARKERS, OKABE_ITO

SMOOTHED_SHARE, LEAST_SMOOTHED = 0.02, 50
"""A curve is averaged over this share of its values, if it has at least so many."""
FEW = 30
"""Curves of so few values show each as a point."""
COLUMNS, PANEL_INCHES = 3, (4.6, 3.0)
DASHES = ("solid", (0, (5, 1)), (0, (2, 1)), (0, (6, 1, 1, 1)), (0, (1, 1)))
"""Coprime in number with the colours: forty runs look different, and lines that meet stay seen."""
SOFT, GRID = "#767676", "#dddddd"
WORDS = {
    "loss": "loss",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
    "alignment": "alignment (lower: closer)",
    "uniformity": "uniformity (lower: more even)",
    "data_wait_share": "share of time waiting for data",
    "images_per_s": "images/s",
    "memory_mib": "memory (MiB)",
    "gpu_memory_mib": "GPU memory (MiB)",
}
FIRST = ("loss", "validation mAP@200", "alignment", "uniformity")
LOGARITHMIC = ("gradient_norm", "images_per_s")
LOG_MARGIN = 1.2
FROM_ZERO = ("data_wait_share", "memory_mib", "gpu_memory_mib", "learning_rate")


@dataclass(frozen=True)
class Curves:
    """What one run measured."""

    name: str
    values: Mapping[str, Sequence[tuple[int, float]]]
    """Metric → (step, value), with steps counted through all stages."""
    stages: Mapping[str, int]
    """Stage → the step at which it starts."""


def write_curves(path: Path, *, runs: Sequence[Curves]) -> None:
    """Draw the curves of the runs and write them as a PNG."""
    figure = draw_curves(runs)
    write_atomically(path, write=lambda file: figure.savefig(file, format="png", dpi=110))


def draw_curves(runs: Sequence[Curves]) -> Figure:
    """Return a panel for each metric that any of the runs measured.

    Where a curve is long, its values are pale and the mean over some of them is drawn bold.
    """
    measured = dict.fromkeys(name for run in runs for name in run.values)
    metrics = [name for name in FIRST if name in measured]
    metrics += [name for name in measured if name not in FIRST]
    rows = -(-len(metrics) // COLUMNS)
    width, height = PANEL_INCHES
    size = (COLUMNS * width, rows * height + 0.9)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    steps = [step for run in runs for values in run.values.values() for step, _ in values]
    for panel, metric in zip(panels, metrics, strict=False):
        _draw_panel(panel, metric, runs)
        panel.set_xlim(min(steps), max(max(steps), min(steps) + 1))
    for panel in panels[len(metrics) :]:
        panel.set_visible(False)
    _name(figure, runs)
    return figure


def smoothed(values_N: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Return the mean around each value, and of how many values it is taken; shape (N,).

    Near the ends the window is cut, not filled.
    """
    window = 1
    if len(values_N) >= LEAST_SMOOTHED:
        window = 2 * max(1, round(SMOOTHED_SHARE * len(values_N) / 2)) + 1
    kernel = np.ones(window)
    totals = np.convolve(values_N, kernel, mode="same")
    return totals / np.convolve(np.ones(len(values_N)), kernel, mode="same"), window


def _draw_panel(axes: Axes, metric: str, runs: Sequence[Curves]) -> None:
    shown = [
        _draw_curve(axes, run.values[metric], place)
        for place, run in enumerate(runs)
        if run.values.get(metric)
    ]
    if len(runs) == 1:
        _mark_stages(axes, runs[0].stages)
    axes.set_title(WORDS.get(metric, metric), fontsize=11, color=INK, loc="left")
    window = max(curve.window for curve in shown)
    note = f"step   (bold: mean of {window} values)" if window > 1 else "step"
    axes.set_xlabel(note, fontsize=8.5, color=SOFT)
    low, high = min(curve.low for curve in shown), max(curve.high for curve in shown)
    if metric in LOGARITHMIC and low > 0:
        axes.set_yscale("log")
        axes.set_ylim(low / LOG_MARGIN, high * LOG_MARGIN)
    else:
        low = 0.0 if metric in FROM_ZERO else low
        margin = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
        axes.set_ylim(low - margin * (metric not in FROM_ZERO), high + margin)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(labelsize=8.5, colors=INK, length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(SOFT)


@dataclass(frozen=True)
class _Drawn:
    """How a curve was smoothed, and the range that shows it but for single outliers."""

    window: int
    low: float
    high: float


def _draw_curve(axes: Axes, values: Sequence[tuple[int, float]], place: int) -> _Drawn:
    step_N, value_N = np.array(values, dtype=np.float64).T
    mean_N, window = smoothed(value_N)
    colour, dash = _look(place)
    low, high = value_N.min(), value_N.max()
    if window > 1:
        axes.plot(step_N, value_N, color=colour, alpha=0.22, linewidth=0.8)
        inner = np.quantile(value_N, (0.005, 0.995))
        low, high = min(inner[0], mean_N.min()), max(inner[1], mean_N.max())
    marker = MARKERS[place % len(MARKERS)] if len(value_N) <= FEW else None
    axes.plot(
        step_N, mean_N, color=colour, linestyle=dash, linewidth=1.8, marker=marker, markersize=4
    )
    return _Drawn(window=window, low=float(low), high=float(high))


def _look(place: int) -> tuple[str, Any]:
    """Return the colour and the dashes of the run at this place."""
    return OKABE_ITO[place % len(OKABE_ITO)], DASHES[place % len(DASHES)]


def _mark_stages(axes: Axes, stages: Mapping[str, int]) -> None:
    for name, first in list(stages.items())[1:]:
        axes.axvline(first, color=SOFT, linewidth=0.8, linestyle=":")
        where = axes.get_xaxis_transform()
        ground = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5}
        label = axes.text(first, 1.0, f" {name}", transform=where, bbox=ground)
        label.set(fontsize=7.5, color=SOFT, verticalalignment="top")


def _name(figure: Figure, runs: Sequence[Curves]) -> None:
    """Name one run in the title, several in a legend."""
    if len(runs) == 1:
        figure.suptitle(runs[0].name, fontsize=13, color=INK)
        return
    looks = [_look(place) for place in range(len(runs))]
    lines = [Line2D([], [], color=colour, linestyle=dash, linewidth=2.2) for colour, dash in looks]
    names = [run.name for run in runs]
    columns = min(4, len(runs))
    figure.legend(
        lines, names, loc="outside upper center", ncols=columns, frameon=False, fontsize=10
    )
