"""A protocol's numbers of a model and of its unaligned backbone, as rows, with what chance says."""

from dataclasses import dataclass

import numpy as np

from samesense.evaluation.embedded import Embedded
from samesense.evaluation.matrix_table import ASYMMETRY, PAIR
from samesense.evaluation.options import Protocol
from samesense.evaluation.protocols.dg import domain_generalisation
from samesense.evaluation.protocols.gap import domain_gap
from samesense.evaluation.protocols.matrix import Matrix, source_target_matrix
from samesense.evaluation.protocols.scores import Scores
from samesense.evaluation.protocols.uccdr import uccdr
from samesense.evaluation.protocols.udcdr import udcdr
from samesense.evaluation.report.report import Fold
from samesense.evaluation.results import BASELINE, OVER, Row
from samesense.metrics.statistics import PerQuery, bootstrap_interval, paired_p_value


@dataclass(frozen=True)
class Rated:
    """What a protocol measures of a model and of its unaligned backbone."""

    held_out: str
    seed: int
    model: str
    measure: str
    """Protocol and variant, as rows tell it."""
    before: Scores
    after: Scores

    def rows(self) -> list[Row]:
        """Return one row a metric for the unaligned and the aligned vectors.

        Means over queries have their interval, and the aligned ones how likely chance is to part
        the two as far.
        """
        return self._rows(BASELINE, self.before) + self._rows(self.model, self.after)

    def rows_beside(self, first: "Rated") -> list[Row]:
        """Return this model's rows and those of how it differs from another on the same queries.

        Its backbone has rows of its own where it is not the other's.
        """
        rows = self._rows(self.model, self.after)
        if self.before.values != first.before.values:
            rows += self._rows(f"{BASELINE} of {self.model}", self.before)
        for metric, values_Q in self.after.per_query.items():
            other_Q = first.after.per_query[metric]
            name = OVER.format(metric=metric, other=first.model)
            p_value = paired_p_value(values_Q, other_Q)
            value = self.after.values[metric] - first.after.values[metric]
            rows.append(self._row(self.model, name, value, self.after, values_Q - other_Q, p_value))
        return rows

    def _rows(self, model: str, scores: Scores) -> list[Row]:
        rows = []
        for metric, value in scores.values.items():
            values_Q, p_value = scores.per_query.get(metric), None
            if values_Q is not None and model == self.model:
                p_value = paired_p_value(values_Q, self.before.per_query[metric])
            rows.append(self._row(model, metric, value, scores, values_Q, p_value))
        return rows

    def _row(
        self,
        model: str,
        metric: str,
        value: float,
        scores: Scores,
        values_Q: PerQuery | None,
        p_value: float | None,
    ) -> Row:
        n_queries, n_gallery = scores.sizes.get(metric, (scores.n_queries, scores.n_gallery))
        spread = None if values_Q is None else bootstrap_interval(values_Q)
        return Row(
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
            p_value=p_value,
        )


def rate(
    fold: Fold,
    *,
    seed: int,
    model: str,
    protocol: Protocol = "udcdr",
    measure: str = "udcdr-clean",
) -> Rated:
    """Measure the unaligned and the aligned vectors of a fold, whose splits are as ``asked``."""
    before, after = (_scores(embedded, protocol) for embedded in (fold.before, fold.after))
    return Rated(fold.held_out, seed, model, measure, before, after)


def _scores(embedded: Embedded, protocol: Protocol) -> Scores:
    match protocol:
        case "udcdr" | "ucdr":
            return udcdr(embedded)
        case "uccdr":
            return uccdr(embedded)
        case "dg":
            return domain_generalisation(embedded)
        case "gap":
            return domain_gap(embedded)
        case "matrix":
            return _matrix_scores(source_target_matrix(embedded))


def _matrix_scores(matrix: Matrix) -> Scores:
    names, items_K = matrix.domains, matrix.items_K.tolist()
    values, sizes = {}, {}
    for i, j in np.ndindex(matrix.map_KK.shape):
        metric = PAIR.format(source=names[i], target=names[j])
        values[metric], sizes[metric] = float(matrix.map_KK[i, j]), (items_K[i], items_K[j])
    values[ASYMMETRY] = float(matrix.asymmetry_KK.max())
    return Scores(values, {}, n_queries=sum(items_K), n_gallery=sum(items_K), sizes=sizes)
