"""Scores that can be compared between domains, by what each domain scores in general.

For a query z, the cosines with all rows of a domain have the mean z·m and the variance zᵀCz, where
m and C are mean and covariance of the domain's vectors: exact for every query, and known from a
sample of rows. A calibrated score says how many standard deviations a hit lies above that mean, so
that a domain which is near to every query has no advantage over one that is far.

Shapes: N rows, Q queries, D width.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_DEVIATION = 1e-3
"""Of a domain that hardly varies, such as one of a single row."""


@dataclass(frozen=True)
class Background:
    """Mean (D,) and covariance (D, D) of a domain's vectors."""

    mean_D: npt.NDArray[np.float64]
    covariance_DD: npt.NDArray[np.float64]

    @classmethod
    def of(cls, z_ND: npt.NDArray[np.float32]) -> "Background":
        """Measure a sample of rows (N, D); N ≥ 1."""
        z = z_ND.astype(np.float64)
        mean_D = z.mean(axis=0)
        centred_ND = z - mean_D
        return cls(mean_D, centred_ND.T @ centred_ND / len(z))

    def standardise(
        self, scores: npt.NDArray[np.float64], *, z_D: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        """Return the calibrated scores of one query's hits in this domain."""
        z = z_D.astype(np.float64)
        variance = max(float(z @ self.covariance_DD @ z), LEAST_DEVIATION**2)
        return (scores - z @ self.mean_D) / math.sqrt(variance)
