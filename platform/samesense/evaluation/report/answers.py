"""First answers of held-out queries before and after alignment, and which of them to show.

Shapes: Q queries, G gallery items, K answers shown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.metrics.blocked import first_answers

SHOWN_ANSWERS = 10


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


def answers_of_queries(embedded: Embedded) -> Answers:
    """Rank the gallery for every query, as the protocol does: a query is never its own answer."""
    query, gallery = embedded.of(splits=("query",)), embedded.of(splits=("gallery",))
    label_Q, label_G = query.manifest.column("label"), gallery.manifest.column("label")
    content_Q, content_G = (e.manifest.column("content_hash") for e in (query, gallery))
    first = first_answers(
        query.z_ND, gallery_GD=gallery.z_ND, k=SHOWN_ANSWERS, key_Q=content_Q, key_G=content_G
    )
    right_QK = (label_G[first.gallery_QK] == label_Q[:, None]).astype(bool)
    right_QK &= np.isfinite(first.similarity_QK)
    return Answers(first.gallery_QK, first.similarity_QK, right_QK)


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
