"""Domain generalisation: which concept an image of a domain shows that was never trained on.

As DomainBed does (Gulrajani & Lopez-Paz, ICLR 2021): classifiers learn from the training domains,
choices are made on images of theirs that were kept back, and the held-out domain is asked once.

Shapes: N items, Q queries, D width, C concepts.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from samesense.core.errors import CorpusError
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.scores import Scores
from samesense.evaluation.protocols.udcdr import refuse_seen
from samesense.evaluation.prototypes import concept_prototypes

KEPT_BACK = ("validation", "gallery")
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
"""Inverse regularisation of the linear probe, of which one is chosen."""
ITERATIONS = 500
Names = NDArray[np.str_]


def domain_generalisation(embedded: Embedded) -> Scores:
    """Return the accuracy on the held-out domains by nearest prototype and by a linear probe.

    Raises:
        CorpusError: if training saw an image that is asked, there is nothing to learn from, choose
            by or ask, or a concept that is asked is in no training domain.
    """
    refuse_seen(embedded)
    learned, kept_back, asked = (
        embedded.of(splits=splits) for splits in (("train",), KEPT_BACK, ("query",))
    )
    _check(learned, kept_back, asked)
    right = {
        "accuracy, prototypes": _by_prototype(learned, asked),
        "accuracy, linear probe": _by_probe(learned, kept_back, asked),
    }
    per_query = {name: right_Q.astype(np.float64) for name, right_Q in right.items()}
    return Scores(
        values={name: float(right_Q.mean()) for name, right_Q in per_query.items()},
        per_query=per_query,
        n_queries=len(asked.z_ND),
        n_gallery=len(learned.z_ND),
    )


def _check(learned: Embedded, kept_back: Embedded, asked: Embedded) -> None:
    counts = [len(part.z_ND) for part in (learned, kept_back, asked)]
    if not all(counts):
        raise CorpusError(
            f"domain generalisation: {counts[0]} images to learn from, {counts[1]} to choose by, "
            f"{counts[2]} to ask; split the corpus with a domain held out"
        )
    unknown = sorted(set(_labels(asked).tolist()) - set(_labels(learned).tolist()))
    if unknown:
        raise CorpusError(
            f"domain generalisation: no training domain has the concept '{unknown[0]}'"
            + (f" or {len(unknown) - 1} others" if len(unknown) > 1 else "")
        )


def _by_prototype(learned: Embedded, asked: Embedded) -> NDArray[np.bool_]:
    """Tell a query by the nearest concept mean (Q,); a concept's domains weigh the same in it."""
    names, prototype_CD = concept_prototypes(learned)
    told_Q = names[(asked.z_ND @ prototype_CD.T).argmax(axis=1)]
    right_Q: NDArray[np.bool_] = told_Q == _labels(asked)
    return right_Q


def _by_probe(learned: Embedded, kept_back: Embedded, asked: Embedded) -> NDArray[np.bool_]:
    """Tell a query by logistic regression on unit vectors (Q,), chosen on what was kept back."""
    probes = [
        LogisticRegression(C=strength, max_iter=ITERATIONS).fit(
            learned.z_ND.astype(np.float64), _labels(learned)
        )
        for strength in STRENGTHS
    ]
    parts = [kept_back.of(domains=(domain,)) for domain in kept_back.manifest.domains]
    best = max(probes, key=lambda probe: np.mean([_right(probe, part).mean() for part in parts]))
    return _right(best, asked)


def _right(probe: LogisticRegression, items: Embedded) -> NDArray[np.bool_]:
    right_N: NDArray[np.bool_] = probe.predict(items.z_ND.astype(np.float64)) == _labels(items)
    return right_N


def _labels(items: Embedded) -> Names:
    names: Names = items.manifest.column("label").astype(np.str_)
    return names
