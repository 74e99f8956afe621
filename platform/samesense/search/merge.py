"""Merging the rankings of several domains into one: pure functions on lists of hits."""

from collections.abc import Mapping, Sequence

from samesense.index.rows import Hit


def merge_by_score(ranked: Mapping[str, Sequence[Sequence[Hit]]], *, limit: int) -> list[list[Hit]]:
    """Return for each query the best hits of all domains by their raw cosine.

    ``ranked`` holds, by domain, one list of hits a query, the queries in the same order. Equal
    scores are ordered by id, so the result does not depend on the order of the domains. If each
    list holds its domain's ``limit`` best, the result holds the ``limit`` best of all.

    Raises:
        ValueError: if domains answered different numbers of queries.
    """
    return [
        sorted((hit for hits in answers for hit in hits), key=lambda hit: (-hit.score, hit.id))[
            :limit
        ]
        for answers in zip(*ranked.values(), strict=True)
    ]
