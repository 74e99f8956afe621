"""Ranking metrics of queries in a gallery, in bounded memory.

Shapes: Q queries, G gallery items, K answers.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.metrics.blocked import average_precision_of_all, first_answers
from samesense.metrics.ranking import average_precision

ANSWERS, FEWER_ANSWERS = 200, 100
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


def score(query: Embedded, *, gallery: Embedded) -> Scores:
    """Return mAP@200, mAP@all, Prec@200, Prec@100, and the ceilings of both; relevant is what has
    the same concept. The share of queries that the gallery has no answer for counts 0 in all.

    An item never counts as its own answer: gallery items with the query's content are left out.
    """
    label_Q, content_Q = (query.manifest.column(name) for name in ("label", "content_hash"))
    label_G, content_G = (gallery.manifest.column(name) for name in ("label", "content_hash"))
    ranked: dict[str, Any] = {
        "gallery_GD": gallery.z_ND,
        "key_Q": content_Q,
        "key_G": content_G,
    }
    first = first_answers(query.z_ND, k=ANSWERS, **ranked)
    right_QK = (label_G[first.gallery_QK] == label_Q[:, None]).astype(bool)
    right_QK &= np.isfinite(first.similarity_QK)
    widths = {k: max(min(k, right_QK.shape[1]), 1) for k in (ANSWERS, FEWER_ANSWERS)}
    precisions = {f"Prec@{k}": right_QK[:, :k].sum(axis=1) / n for k, n in widths.items()}
    per_query = {
        "mAP@200": average_precision(right_QK),
        **precisions,
        "mAP@all": average_precision_of_all(query.z_ND, label_Q=label_Q, label_G=label_G, **ranked),
    }
    answers_Q = _relevant(query, gallery)
    ceilings = {
        CEILING.format(metric=f"Prec@{k}"): np.minimum(answers_Q, n) / n for k, n in widths.items()
    }
    means = per_query | ceilings | {WITHOUT_ANSWER: answers_Q == 0}
    values = {name: float(v_Q.mean()) if len(v_Q) else 0.0 for name, v_Q in means.items()}
    return Scores(values, per_query, n_queries=len(label_Q), n_gallery=len(label_G))


def _relevant(query: Embedded, gallery: Embedded) -> NDArray[np.int64]:
    """Return how many gallery items answer each query (Q,)."""
    names = ("label", "content_hash")
    label_G, content_G = (gallery.manifest.column(name).tolist() for name in names)
    label_Q, content_Q = (query.manifest.column(name).tolist() for name in names)
    of_label, itself = Counter(label_G), Counter(zip(label_G, content_G, strict=True))
    pairs = zip(label_Q, content_Q, strict=True)
    return np.array([of_label[label] - itself[label, content] for label, content in pairs])
