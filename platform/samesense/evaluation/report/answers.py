"""First answers of held-out queries before and after alignment, and which of them to show.

Shapes: Q queries, G gallery items, K answers shown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.metrics.ranking import rank

SHOWN_ANSWERS = 10
QUERIES_PER_BLOCK = 512


@dataclass(frozen=True)
class Answers:
    """The first answers of every query."""

    gallery_QK: NDArray[np.int64]
    """Rows of the gallery, best first."""
    score_QK: NDArray[np.float32]
    right_QK: NDArray[np.bool_]


@dataclass(frozen=True)
class Choice:
    """A query to show, and why."""

    query: int
    why: str


def first_answers(embedded: Embedded) -> Answers:
    """Rank the gallery for every query, as the protocol does: a query is never its own answer."""
    query, gallery = embedded.of(splits=("query",)), embedded.of(splits=("gallery",))
    label_Q, label_G = query.manifest.column("label"), gallery.manifest.column("label")
    content_Q, content_G = (e.manifest.column("content_hash") for e in (query, gallery))
    orders, scores = [], []
    for start in range(0, max(len(label_Q), 1), QUERIES_PER_BLOCK):
        rows = slice(start, start + QUERIES_PER_BLOCK)
        similarity = query.z_ND[rows] @ gallery.z_ND.T
        similarity[content_Q[rows, None] == content_G[None, :]] = -np.inf
        orders.append(rank(similarity, SHOWN_ANSWERS))
        scores.append(np.take_along_axis(similarity, orders[-1], axis=1))
    gallery_QK = np.concatenate(orders)
    right_QK = (label_G[gallery_QK] == label_Q[:, None]).astype(bool)
    return Answers(gallery_QK, np.concatenate(scores), right_QK)


def choose(before: Answers, *, after: Answers) -> list[Choice]:
    """Return the queries with the best, the median and the worst change, and the worst error.

    Change is counted in right answers shown; the worst error is the wrong first answer that the
    aligned model is surest of.
    """
    change_Q = after.right_QK.sum(axis=1) - before.right_QK.sum(axis=1)
    order_Q = np.argsort(change_Q, kind="stable")
    if not len(order_Q):
        return []
    choices = [
        Choice(int(order_Q[-1]), "Best change"),
        Choice(int(order_Q[len(order_Q) // 2]), "Median change"),
        Choice(int(order_Q[0]), "Worst change"),
    ]
    wrong_Q = ~after.right_QK[:, 0]
    if wrong_Q.any():
        surest = int(np.where(wrong_Q, after.score_QK[:, 0], -np.inf).argmax())
        choices.append(Choice(surest, "Most confident failure"))
    return choices
