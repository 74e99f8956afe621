"""A number and the values whose mean it is. Shapes: Q queries."""

from dataclasses import dataclass

from samesense.evaluation.results import Row
from samesense.metrics.statistics import PerQuery


@dataclass(frozen=True)
class Measured:
    """One number with what it is the mean of."""

    row: Row
    queries: str
    """A hash of the queries: runs that asked the same have the same."""
    values_Q: PerQuery | None
    """The values whose mean it is, where it is one."""
    gain_Q: PerQuery | None
    """What they are over the unaligned vectors, or over another model, query by query."""
