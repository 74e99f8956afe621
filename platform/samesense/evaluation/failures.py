"""Queries whose first answer is wrong, and by numbers the likely reason.

Shapes: Q queries, G gallery items, C concepts, D width, F failures among the queries, K answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.evaluation.prototypes import concept_prototypes
from samesense.metrics.blocked import FirstAnswers, first_answers

Reason = Literal["tie", "concept", "style", "picture", "absent"]
REASONS: Mapping[Reason, str] = {
    "absent": "the gallery has no image of the query's concept",
    "tie": "nearly a tie: a right answer is less than 0.01 behind",
    "concept": "the vector lies with the wrong concept, nearer to its mean than to its own's",
    "style": "style: its first answers are mostly of one domain, far beyond that domain's share",
    "picture": "this one picture: neither the concepts' means nor one domain explain it",
}
"""In the order in which they are asked; the first that holds is told."""
TIE = 0.01
STYLE_LEAST, STYLE_OVER_SHARE = 0.5, 1.5
NEIGHBOURS = 10


@dataclass(frozen=True)
class Failure:
    """One query whose first answer is wrong."""

    query: int
    """Row among the queries."""
    wrong: int
    """Row of its first answer in the gallery."""
    right: int | None
    """Row of the nearest right answer, if the gallery has one."""
    wrong_similarity: float
    right_similarity: float | None
    to_wrong_prototype: float
    to_own_prototype: float | None
    """Cosine of the query and the gallery's mean vector of a concept."""
    neighbours_of_domain: float
    """Share of the first 10 answers that are of the wrong answer's domain."""
    gallery_of_domain: float
    """Share of the gallery that is of that domain."""

    @property
    def margin(self) -> float | None:
        """How far the nearest right answer is behind the wrong one."""
        if self.right_similarity is None:
            return None
        return self.wrong_similarity - self.right_similarity

    @property
    def reason(self) -> Reason:
        """The likely reason: the first of ``REASONS`` that holds."""
        if self.margin is None or self.to_own_prototype is None:
            return "absent"
        if self.margin < TIE:
            return "tie"
        if self.to_wrong_prototype > self.to_own_prototype:
            return "concept"
        most = max(STYLE_LEAST, STYLE_OVER_SHARE * self.gallery_of_domain)
        return "style" if self.neighbours_of_domain >= min(most, 1.0) else "picture"


def find_failures(embedded: Embedded) -> list[Failure]:
    """Return the held-out queries whose first answer is wrong, the surest error first.

    A query is never its own answer. A concept's prototype is its mean vector over the gallery, in
    which its domains weigh the same.
    """
    query, gallery = embedded.of(splits=("query",)), embedded.of(splits=("gallery",))
    if not len(query.z_ND) or not len(gallery.z_ND):
        return []
    label_Q, label_G, domain_G = (
        _names(query, "label"),
        _names(gallery, "label"),
        _names(gallery, "domain"),
    )
    first = _first(query, gallery, k=NEIGHBOURS)
    answered = np.isfinite(first.similarity_QK[:, 0])
    failed_F = np.flatnonzero(answered & (label_G[first.gallery_QK[:, 0]] != label_Q))
    nearest = _nearest_right(Embedded(query.manifest.take(failed_F), query.z_ND[failed_F]), gallery)
    names, prototype_CD = concept_prototypes(gallery)
    found = []
    for q, (right, right_similarity) in zip(failed_F.tolist(), nearest, strict=True):
        wrong = int(first.gallery_QK[q, 0])
        to_C = dict(zip(names.tolist(), (prototype_CD @ query.z_ND[q]).tolist(), strict=True))
        alike_K = domain_G[first.gallery_QK[q]] == domain_G[wrong]
        found.append(
            Failure(
                query=q,
                wrong=wrong,
                right=right,
                wrong_similarity=float(first.similarity_QK[q, 0]),
                right_similarity=right_similarity,
                to_wrong_prototype=to_C[label_G[wrong]],
                to_own_prototype=to_C.get(label_Q[q]),
                neighbours_of_domain=float(alike_K.mean()),
                gallery_of_domain=float((domain_G == domain_G[wrong]).mean()),
            )
        )
    return sorted(found, key=lambda failure: -failure.wrong_similarity)


def _nearest_right(
    query: Embedded, gallery: Embedded
) -> list[tuple[int, float] | tuple[None, None]]:
    """Return the nearest gallery item of each query's own concept, and its similarity."""
    label_Q, label_G = _names(query, "label"), _names(gallery, "label")
    found: list[tuple[int, float] | tuple[None, None]] = [(None, None)] * len(label_Q)
    for label in np.unique(label_Q):
        asked, rows = np.flatnonzero(label_Q == label), np.flatnonzero(label_G == label)
        if not len(rows):
            continue
        first = _first(
            Embedded(query.manifest.take(asked), query.z_ND[asked]),
            Embedded(gallery.manifest.take(rows), gallery.z_ND[rows]),
            k=1,
        )
        best = zip(asked.tolist(), first.gallery_QK[:, 0], first.similarity_QK[:, 0], strict=True)
        for q, row, similarity in best:
            if np.isfinite(similarity):
                found[q] = (int(rows[row]), float(similarity))
    return found


def _first(query: Embedded, gallery: Embedded, *, k: int) -> FirstAnswers:
    content_Q, content_G = (e.manifest.column("content_hash") for e in (query, gallery))
    return first_answers(query.z_ND, gallery_GD=gallery.z_ND, k=k, key_Q=content_Q, key_G=content_G)


def _names(items: Embedded, column: str) -> NDArray[np.str_]:
    names: NDArray[np.str_] = items.manifest.column(column).astype(np.str_)
    return names
