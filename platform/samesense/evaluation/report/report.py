"""What a report is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samesense.evaluation.ablation import Ablation
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.findings import Finding
from samesense.evaluation.results import Row


@dataclass(frozen=True)
class Fold:
    """One held-out domain: the same unseen items before and after alignment."""

    held_out: str
    before: Embedded
    after: Embedded


@dataclass(frozen=True)
class Report:
    """Numbers, vectors and where they come from."""

    title: str
    rows: Sequence[Row]
    folds: Sequence[Fold]
    cost: Mapping[str, str]
    provenance: Mapping[str, str]
    findings: Sequence[Finding] = ()
    """The rows' numbers over seeds, with what chance says."""
    ablations: Sequence[Ablation] = ()
    """Ablations that were run before."""
