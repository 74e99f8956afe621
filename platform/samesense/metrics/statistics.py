"""What may be said of a mean over queries: its interval, and whether two models differ.

Shapes: Q queries, N draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PerQuery = NDArray[np.float64]
DRAWS = 2000
ENTRIES_AT_ONCE = 1 << 23


@dataclass(frozen=True)
class Interval:
    """Bounds of a mean."""

    low: float
    high: float


def bootstrap_interval(
    values_Q: PerQuery, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Return the percentile bootstrap interval of the mean over queries (Efron 1979).

    Queries are drawn with replacement, so that it tells how far another sample of queries from the
    same source would move the mean; not what another training would.

    Raises:
        ValueError: without queries, or if ``level`` is no share.
    """
    if not len(values_Q) or not 0 < level < 1:
        raise ValueError(f"{len(values_Q)} queries and level {level} have no interval")
    rng = np.random.default_rng(seed)
    rows_at_once = max(1, ENTRIES_AT_ONCE // len(values_Q))
    means = []
    for start in range(0, draws, rows_at_once):
        shape = (min(rows_at_once, draws - start), len(values_Q))
        means.append(values_Q[rng.integers(0, len(values_Q), shape)].mean(axis=1))
    tail = 50 * (1 - level)
    low, high = np.percentile(np.concatenate(means), (tail, 100 - tail))
    return Interval(float(low), float(high))


def paired_p_value(difference_Q: PerQuery, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Return how often chance alone parts two models' means by as much, over the same queries.

    ``difference_Q`` is one model's value minus the other's, query by query. A two-sided test by
    sign flips (Fisher's randomisation test of paired differences): were the models the same, each
    query's difference could as well have had the other sign. At the least 1 / (draws + 1).

    Raises:
        ValueError: without queries.
    """
    if not len(difference_Q):
        raise ValueError("no queries: there is nothing to pair")
    seen = abs(difference_Q.mean())
    rng = np.random.default_rng(seed)
    rows_at_once = max(1, ENTRIES_AT_ONCE // len(difference_Q))
    as_far = 0
    for start in range(0, draws, rows_at_once):
        shape = (min(rows_at_once, draws - start), len(difference_Q))
        signs_NQ = rng.integers(0, 2, shape, dtype=np.int8) * 2 - 1
        drawn_N = np.abs(signs_NQ @ difference_Q) / len(difference_Q)
        # Sums in another order differ in their last digits.
        as_far += int((drawn_N >= seen * (1 - 1e-12)).sum())
    return (1 + as_far) / (draws + 1)
