"""Ranking metrics of queries in a gallery, in bounded memory.

Shapes: Q queries, B of a block, G gallery items, D width, K answers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.metrics.blocked import (
    QUERIES_AT_ONCE,
    average_precision_of_all,
    first_answers,
)
from samesense.metrics.ranking import average_precision

ANSWERS, FEWER_ANSWERS = 200, 100
PAIRS_AT_ONCE = 1 << 28
"""Pairs of query and gallery item that are scored together: some seconds of work."""
CEILING = "{metric} ceiling"
WITHOUT_ANSWER = "queries without an answer"


@dataclass(frozen=True)
class Scores:
    """Metrics by name, and of how many items."""

    values: dict[str, float]
    per_query: dict[str, NDArray[np.float64]]
    """The values (Q,) whose mean a metric is, where it is one."""
    n_queries: int
    n_gallery: int
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Queries and gallery items of a metric that is of fewer."""


Each = Callable[
    [Callable[[range], dict[str, NDArray[np.float64]]], Sequence[range]],
    Iterable[dict[str, NDArray[np.float64]]],
]
"""How blocks of queries are scored: ``map``, or what does the same in other processes."""


def score(query: Embedded, *, gallery: Embedded, each: Each = map) -> Scores:
    """Return mAP@200, mAP@all, Prec@200, Prec@100, and the ceilings of both; relevant is what has
    the same concept. The share of queries that the gallery has no answer for counts 0 in all.

    An item never counts as its own answer: gallery items with the query's content are left out.
    Queries are scored by ``each`` in blocks that depend on nothing but the sizes, so that the
    numbers are the same wherever that happens.
    """
    label_Q, label_G = _numbered(query, gallery, "label")
    content_Q, content_G = _numbered(query, gallery, "content_hash")
    asked = _Asked(query.z_ND, gallery.z_ND, label_Q, label_G, content_Q, content_G)
    parts = list(each(asked.of_block, query_blocks(len(label_Q), gallery=len(label_G))))
    per_query = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    answers_Q = _relevant(query, gallery)
    ceilings = {
        CEILING.format(metric=f"Prec@{k}"): np.minimum(answers_Q, n) / n
        for k, n in _divisors(len(label_G)).items()
    }
    means = per_query | ceilings | {WITHOUT_ANSWER: answers_Q == 0}
    values = {name: float(v_Q.mean()) if len(v_Q) else 0.0 for name, v_Q in means.items()}
    return Scores(values, per_query, n_queries=len(label_Q), n_gallery=len(label_G))


def query_blocks(queries: int, *, gallery: int) -> list[range]:
    """Return the rows of the queries that are scored together, one block at least."""
    at_once = max(PAIRS_AT_ONCE // max(gallery, 1) // QUERIES_AT_ONCE, 1) * QUERIES_AT_ONCE
    starts = range(0, max(queries, 1), at_once)
    return [range(start, min(start + at_once, queries)) for start in starts]


@dataclass(frozen=True)
class _Asked:
    """Queries and gallery, with concepts and contents as numbers: equal where they are the same."""

    z_QD: NDArray[np.float32]
    z_GD: NDArray[np.float32]
    label_Q: NDArray[np.int64]
    label_G: NDArray[np.int64]
    content_Q: NDArray[np.int64]
    content_G: NDArray[np.int64]

    def of_block(self, block: range) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of a block's queries, (B,) each."""
        rows = slice(block.start, block.stop)
        z_BD, label_B = self.z_QD[rows], self.label_Q[rows]
        ranked: dict[str, Any] = {
            "gallery_GD": self.z_GD,
            "key_Q": self.content_Q[rows],
            "key_G": self.content_G,
        }
        first = first_answers(z_BD, k=ANSWERS, **ranked)
        right_BK = self.label_G[first.gallery_QK] == label_B[:, None]
        right_BK &= np.isfinite(first.similarity_QK)
        precisions = {
            f"Prec@{k}": right_BK[:, :k].sum(axis=1) / n
            for k, n in _divisors(right_BK.shape[1]).items()
        }
        return {
            "mAP@200": average_precision(right_BK),
            **precisions,
            "mAP@all": average_precision_of_all(
                z_BD, label_Q=label_B, label_G=self.label_G, **ranked
            ),
        }


def _divisors(answers: int) -> dict[int, int]:
    """Return what a precision at k divides by, where there are so many answers."""
    return {k: max(min(k, answers), 1) for k in (ANSWERS, FEWER_ANSWERS)}


def _numbered(
    query: Embedded, gallery: Embedded, column: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    names_Q, names_G = (items.manifest.column(column) for items in (query, gallery))
    _, number = np.unique(np.concatenate([names_Q, names_G]).astype(np.str_), return_inverse=True)
    return number[: len(names_Q)], number[len(names_Q) :]


def _relevant(query: Embedded, gallery: Embedded) -> NDArray[np.int64]:
    """Return how many gallery items answer each query (Q,)."""
    names = ("label", "content_hash")
    label_G, content_G = (gallery.manifest.column(name).tolist() for name in names)
    label_Q, content_Q = (query.manifest.column(name).tolist() for name in names)
    of_label, itself = Counter(label_G), Counter(zip(label_G, content_G, strict=True))
    pairs = zip(label_Q, content_Q, strict=True)
    return np.array([of_label[label] - itself[label, content] for label, content in pairs])
