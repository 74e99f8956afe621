"""What several seeds of one model say together: mean, spread, interval over queries, and chance.

Two kinds of chance are told apart. Another choice of queries: the interval and the p-value, taken
of each query's mean over seeds. Another training: the standard deviation over seeds. What is beyond
chance is beyond both.

Shapes: S seeds, Q queries.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from samesense.evaluation.measured import Measured
from samesense.evaluation.results import Summary, summary_of
from samesense.metrics.statistics import PerQuery, bootstrap_interval, paired_p_value

LEVEL = 0.05


@dataclass(frozen=True)
class Finding:
    """One metric of one model on one held-out domain, over its seeds."""

    held_out: str
    protocol: str
    model: str
    metric: str
    value: Summary
    low: float | None
    high: float | None
    """Bounds of the 95 % bootstrap interval over queries of the mean over seeds; ``None`` where the
    value is no mean over queries, or the seeds asked different ones."""
    gain: Summary | None
    """What it is over the unaligned vectors, or over another model, paired by seed."""
    p_value: float | None
    """How often chance parts the two as far, over the same queries."""

    @property
    def beyond_chance(self) -> bool:
        """Whether p is below 0.05 and, of several seeds, the gain exceeds its own spread over them
        and the value's."""
        if self.gain is None or self.p_value is None or self.p_value >= LEVEL:
            return False
        return self.gain.seeds == 1 or abs(self.gain.mean) > max(self.gain.std, self.value.std)


def findings(measured: Iterable[Measured]) -> list[Finding]:
    """Return one finding for each held-out domain, protocol, model and metric, as they come."""
    groups: defaultdict[tuple[str, str, str, str], list[Measured]] = defaultdict(list)
    for one in measured:
        row = one.row
        groups[row.held_out, row.protocol, row.model, row.metric].append(one)
    return [_finding(*key, over_seeds) for key, over_seeds in groups.items()]


def _finding(
    held_out: str, protocol: str, model: str, metric: str, over_seeds: Sequence[Measured]
) -> Finding:
    values_Q = _mean_over_seeds([one.values_Q for one in over_seeds], over_seeds)
    gain_Q = _mean_over_seeds([one.gain_Q for one in over_seeds], over_seeds)
    gains = [float(one.gain_Q.mean()) for one in over_seeds if one.gain_Q is not None]
    spread = None if values_Q is None else bootstrap_interval(values_Q)
    return Finding(
        held_out=held_out,
        protocol=protocol,
        model=model,
        metric=metric,
        value=summary_of([one.row.value for one in over_seeds]),
        low=None if spread is None else spread.low,
        high=None if spread is None else spread.high,
        gain=summary_of(gains) if gains else None,
        p_value=None if gain_Q is None else paired_p_value(gain_Q),
    )


def _mean_over_seeds(
    values_SQ: Sequence[PerQuery | None], over_seeds: Sequence[Measured]
) -> PerQuery | None:
    """Return each query's mean (Q,), if all seeds asked the same queries."""
    there = [values_Q for values_Q in values_SQ if values_Q is not None]
    if len(there) < len(over_seeds) or len({one.queries for one in over_seeds}) > 1:
        return None
    mean_Q: PerQuery = np.mean(there, axis=0)
    return mean_Q
