"""Merging the rankings of several domains into one: pure functions on lists of hits.

``ranked`` holds by domain one list of hits a query, best first, the queries in the same order. If
each list holds its domain's n best, the first n of a merged list are the best of all.

Shapes: Q queries, D width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samesense.index.rows import Hit
from samesense.search.calibration import Background

RANK_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
Ranked = Mapping[str, Sequence[Sequence[Hit]]]


@dataclass(frozen=True)
class Scored:
    """A hit and the score that it is ranked by among the hits of other domains."""

    hit: Hit
    merged_score: float


def merge_by_score(ranked: Ranked, *, limit: int) -> list[list[Hit]]:
    """Return for each query the best hits of all domains by their raw cosine.

    Equal scores are ordered by id, so the result does not depend on the order of the domains.

    Raises:
        ValueError: if domains answered different numbers of queries.
    """
    return [[one.hit for one in query] for query in by_score(ranked, limit=limit)]


def by_score(ranked: Ranked, *, limit: int) -> list[list[Scored]]:
    """Rank by the raw cosine.

    Raises:
        ValueError: if domains answered different numbers of queries.
    """
    return _merge({d: [_raw(hits) for hits in lists] for d, lists in ranked.items()}, limit)


def by_calibrated_score(
    ranked: Ranked,
    *,
    z_QD: npt.NDArray[np.float32],
    backgrounds: Mapping[str, Background],
    limit: int,
) -> list[list[Scored]]:
    """Rank by how far a score lies above its domain's mean for the query, in deviations.

    Raises:
        ValueError: if domains answered different numbers of queries.
    """
    scored = {
        domain: [
            calibrate(hits, z_D=z_D, background=backgrounds[domain])
            for hits, z_D in zip(lists, z_QD, strict=True)
        ]
        for domain, lists in ranked.items()
    }
    return _merge(scored, limit)


def by_reciprocal_rank(ranked: Ranked, *, limit: int) -> list[list[Scored]]:
    """Rank by 1 / (60 + place in the own domain): the best of every domain first.

    Raises:
        ValueError: if domains answered different numbers of queries.
    """
    scored = {
        domain: [
            [Scored(hit, 1 / (RANK_CONSTANT + place)) for place, hit in enumerate(hits, start=1)]
            for hits in lists
        ]
        for domain, lists in ranked.items()
    }
    return _merge(scored, limit)


def calibrate(
    hits: Sequence[Hit], *, z_D: npt.NDArray[np.float32], background: Background
) -> list[Scored]:
    """Return one query's hits in one domain with their calibrated scores."""
    scores = background.standardise(np.array([hit.score for hit in hits], dtype=float), z_D=z_D)
    return [Scored(hit, float(score)) for hit, score in zip(hits, scores, strict=True)]


def _raw(hits: Sequence[Hit]) -> list[Scored]:
    return [Scored(hit, hit.score) for hit in hits]


def _merge(scored: Mapping[str, Sequence[list[Scored]]], limit: int) -> list[list[Scored]]:
    return [
        sorted(
            (one for hits in answers for one in hits),
            key=lambda one: (-one.merged_score, -one.hit.score, one.hit.id),
        )[:limit]
        for answers in zip(*scored.values(), strict=True)
    ]
