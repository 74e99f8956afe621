"""Ranking metrics of queries in a gallery, in bounded memory.

Shapes: Q queries, G gallery items.
"""

from dataclasses import dataclass

import numpy as np

from samesense.evaluation.embedded import Embedded
from samesense.metrics.ranking import (
    map_at_k,
    precision_at_k,
    precision_ceiling_at_k,
)

QUERIES_PER_BLOCK = 512


@dataclass(frozen=True)
class Scores:
    """Metrics by name, and of how many items."""

    values: dict[str, float]
    n_queries: int
    n_gallery: int


def score(query: Embedded, *, gallery: Embedded) -> Scores:
    """Return mAP@200, Prec@200, its ceiling and mAP@all; relevant is what has the same concept.

    An item never counts as its own answer: gallery items with the query's content are left out.
    """
    totals = dict.fromkeys(("mAP@200", "Prec@200", "mAP@all", "Prec@200 ceiling"), 0.0)
    label_G = gallery.manifest.column("label")
    content_G = gallery.manifest.column("content_hash")
    label_Q, content_Q = (query.manifest.column(name) for name in ("label", "content_hash"))
    for start in range(0, len(label_Q), QUERIES_PER_BLOCK):
        rows = slice(start, start + QUERIES_PER_BLOCK)
        similarity = query.z_ND[rows] @ gallery.z_ND.T
        relevant = label_Q[rows, None] == label_G[None, :]
        itself = content_Q[rows, None] == content_G[None, :]
        similarity[itself] = -np.inf
        relevant &= ~itself
        weight = len(similarity)
        totals["mAP@200"] += weight * map_at_k(similarity, relevant, 200)
        totals["Prec@200"] += weight * precision_at_k(similarity, relevant, 200)
        totals["mAP@all"] += weight * map_at_k(similarity, relevant, None)
        totals["Prec@200 ceiling"] += weight * precision_ceiling_at_k(relevant, 200)
    queries = max(len(label_Q), 1)
    values = {name: float(total / queries) for name, total in totals.items()}
    return Scores(values=values, n_queries=len(label_Q), n_gallery=len(label_G))
