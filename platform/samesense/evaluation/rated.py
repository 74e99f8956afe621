"""A protocol's numbers of a model and of its unaligned backbone, as rows, with what chance says."""

from dataclasses import dataclass

import numpy as np

from samesense.evaluation.embedded import Embedded
from samesense.evaluation.matrix_table import ASYMMETRY, PAIR
from samesense.evaluation.measured import Measured
from samesense.evaluation.options import Protocol
from samesense.evaluation.protocols.dg import domain_generalisation
from samesense.evaluation.protocols.gap import domain_gap
from samesense.evaluation.protocols.matrix import Matrix, source_target_matrix
from samesense.evaluation.protocols.scores import Each, Scores
from samesense.evaluation.protocols.uccdr import uccdr
from samesense.evaluation.protocols.udcdr import udcdr
from samesense.evaluation.report.report import Fold
from samesense.evaluation.results import BASELINE, BASELINE_OF, OVER, Row
from samesense.metrics.statistics import PerQuery, bootstrap_interval, paired_p_value


@dataclass(frozen=True)
class Rated:
    """What a protocol measures of a model and of its unaligned backbone."""

    held_out: str
    seed: int
    model: str
    measure: str
    """Protocol and variant, as rows tell it."""
    queries: str
    """A hash of the queries."""
    before: Scores
    after: Scores

    def measured(self) -> list[Measured]:
        """Return one number a metric for the unaligned and the aligned vectors.

        Means over queries have their interval, and the aligned ones how likely chance is to part
        the two as far.
        """
        return self._measured(BASELINE, self.before) + self._measured(self.model, self.after)

    def measured_beside(self, first: "Rated") -> list[Measured]:
        """Return this model's numbers and how they differ from another's on the same queries.

        Its backbone has numbers of its own where they are not the other's.
        """
        found = self._measured(self.model, self.after)
        if self.before.values != first.before.values:
            found += self._measured(BASELINE_OF.format(model=self.model), self.before)
        for metric, values_Q in self.after.per_query.items():
            gain_Q = values_Q - first.after.per_query[metric]
            name = OVER.format(metric=metric, other=first.model)
            value = self.after.values[metric] - first.after.values[metric]
            found.append(self._one(self.model, name, value, self.after, gain_Q, gain_Q))
        return found

    def rows(self) -> list[Row]:
        """Return the numbers alone."""
        return [one.row for one in self.measured()]

    def _measured(self, model: str, scores: Scores) -> list[Measured]:
        found = []
        for metric, value in scores.values.items():
            values_Q, gain_Q = scores.per_query.get(metric), None
            if values_Q is not None and model == self.model:
                gain_Q = values_Q - self.before.per_query[metric]
            found.append(self._one(model, metric, value, scores, values_Q, gain_Q))
        return found

    def _one(
        self,
        model: str,
        metric: str,
        value: float,
        scores: Scores,
        values_Q: PerQuery | None,
        gain_Q: PerQuery | None,
    ) -> Measured:
        n_queries, n_gallery = scores.sizes.get(metric, (scores.n_queries, scores.n_gallery))
        spread = None if values_Q is None else bootstrap_interval(values_Q)
        row = Row(
            held_out=self.held_out,
            seed=self.seed,
            model=model,
            metric=metric,
            value=value,
            protocol=self.measure,
            n_queries=n_queries,
            n_gallery=n_gallery,
            low=None if spread is None else spread.low,
            high=None if spread is None else spread.high,
            p_value=None if gain_Q is None else paired_p_value(gain_Q),
        )
        return Measured(row, self.queries, values_Q, gain_Q)


def rate(
    fold: Fold,
    *,
    seed: int,
    model: str,
    protocol: Protocol = "udcdr",
    measure: str = "udcdr-clean",
    each: Each = map,
) -> Rated:
    """Measure the unaligned and the aligned vectors of a fold, whose splits are as ``asked``;
    ``each`` scores blocks of queries, in other processes if it likes."""
    before, after = (_scores(embedded, protocol, each) for embedded in (fold.before, fold.after))
    return Rated(fold.held_out, seed, model, measure, _queries(fold, after), before, after)


def _queries(fold: Fold, scores: Scores) -> str:
    """Return a hash of the queries; where more is asked than the split's, of all items."""
    queries = fold.after.of(splits=("query",)).manifest
    return (queries if len(queries) == scores.n_queries else fold.after.manifest).hash


def _scores(embedded: Embedded, protocol: Protocol, each: Each) -> Scores:
    match protocol:
        case "udcdr" | "ucdr":
            return udcdr(embedded, each=each)
        case "uccdr":
            return uccdr(embedded, each=each)
        case "dg":
            return domain_generalisation(embedded)
        case "gap":
            return domain_gap(embedded)
        case "matrix":
            return _matrix_scores(source_target_matrix(embedded, each=each))


def _matrix_scores(matrix: Matrix) -> Scores:
    names, items_K = matrix.domains, matrix.items_K.tolist()
    values, sizes = {}, {}
    for i, j in np.ndindex(matrix.map_KK.shape):
        metric = PAIR.format(source=names[i], target=names[j])
        values[metric], sizes[metric] = float(matrix.map_KK[i, j]), (items_K[i], items_K[j])
    values[ASYMMETRY] = float(matrix.asymmetry_KK.max())
    return Scores(values, {}, n_queries=sum(items_K), n_gallery=sum(items_K), sizes=sizes)
