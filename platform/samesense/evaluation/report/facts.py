"""What the page tells of one held-out domain, measured once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samesense.core.errors import CorpusError
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.failures import Failure, find_failures
from samesense.evaluation.protocols.gap import domain_gap
from samesense.evaluation.protocols.matrix import Matrix, source_target_matrix
from samesense.evaluation.report.report import Fold

UNALIGNED, ALIGNED = "unaligned", "aligned"


@dataclass(frozen=True)
class State:
    """The unseen items, unaligned or aligned."""

    name: str
    embedded: Embedded
    matrix: Matrix
    gap: Mapping[str, float]
    """Empty where too few images are unseen to tell."""
    failures: Sequence[Failure]
    """Queries whose first answer is wrong, the surest error first."""


@dataclass(frozen=True)
class Facts:
    """One held-out domain before and after alignment."""

    held_out: str
    before: State
    after: State
    no_gap: str
    """Why no gap was measured, if so."""

    @property
    def states(self) -> tuple[State, State]:
        """Before, then after."""
        return self.before, self.after

    @property
    def n_queries(self) -> int:
        """How many images were asked."""
        return len(self.after.embedded.of(splits=("query",)).z_ND)


def facts_of(fold: Fold) -> Facts:
    """Measure all that the page tells of a fold beside its scores."""
    unseen = [embedded.of(splits=("query", "gallery")) for embedded in (fold.before, fold.after)]
    gaps: list[Mapping[str, float]] = [{}, {}]
    no_gap = ""
    try:
        gaps = [domain_gap(embedded).values for embedded in unseen]
    except CorpusError as error:
        no_gap = str(error)
    before, after = (
        State(name, embedded, source_target_matrix(embedded), gap, find_failures(embedded))
        for name, embedded, gap in (
            (UNALIGNED, unseen[0], gaps[0]),
            (ALIGNED, unseen[1], gaps[1]),
        )
    )
    return Facts(fold.held_out, before, after, no_gap)
