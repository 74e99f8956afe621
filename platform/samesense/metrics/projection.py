"""Vectors on a plane, to be looked at. Shapes: N items, D width."""

import numpy as np
from numpy.typing import NDArray


def principal_plane(z_ND: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Return coordinates (N, 2) along the directions of largest variance, and their share of it.

    The sign of a direction is fixed by its largest entry, so that equal vectors look equal.
    """
    centred_ND = z_ND.astype(np.float64) - z_ND.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred_ND.T @ centred_ND)
    axes_D2 = vectors[:, [-1, -2]]
    axes_D2 = axes_D2 * np.sign(axes_D2[np.abs(axes_D2).argmax(axis=0), [0, 1]])
    total = max(float(values.sum()), np.finfo(np.float64).tiny)
    return centred_ND @ axes_D2, float(values[-2:].sum()) / total


def unit_square(at_N2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return coordinates (N, 2) moved and scaled, each axis for itself, to fill 0 to 1."""
    least_2, most_2 = at_N2.min(axis=0), at_N2.max(axis=0)
    spread_2 = np.maximum(most_2 - least_2, np.finfo(np.float64).tiny)
    scaled_N2: NDArray[np.float64] = (at_N2 - least_2) / spread_2
    return scaled_N2
