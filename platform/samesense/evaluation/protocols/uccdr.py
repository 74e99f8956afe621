"""UcCDR: the query's domain is seen, its class is not; it is searched in the other domains.

Shapes: Q queries.
"""

from collections.abc import Sequence

import numpy as np

from samesense.core.errors import CorpusError
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.scores import Each, Scores, score


def uccdr(embedded: Embedded, *, each: Each = map) -> Scores:
    """Score every image in the ``gallery`` images of the domains that are not its own.

    Metrics are means over all queries. Images that no other domain has a gallery for are not
    asked: those of the only domain that is searched. Blocks of queries are scored by ``each``.

    Raises:
        CorpusError: if that leaves none.
    """
    parts = [
        score(asked.of(splits=("query",)), gallery=asked.of(splits=("gallery",)), each=each)
        for asked in by_query_domain(embedded).values()
    ]
    return _joined(parts, n_gallery=len(embedded.of(splits=("gallery",)).manifest))


def by_query_domain(embedded: Embedded) -> dict[str, Embedded]:
    """Return what each domain asks: its images as ``query``, the others' gallery as ``gallery``.

    Raises:
        CorpusError: if no domain has a gallery in another.
    """
    domains = embedded.manifest.domains
    domain_N, split_N = (embedded.manifest.column(name) for name in ("domain", "split"))
    parts = {}
    for domain in domains:
        query_N, gallery_N = domain_N == domain, (domain_N != domain) & (split_N == "gallery")
        if gallery_N.any():
            asked_N = query_N | gallery_N
            words = np.where(query_N, "query", "gallery")[asked_N]
            manifest = embedded.manifest.where(asked_N).with_split(words.tolist())
            parts[domain] = Embedded(manifest, embedded.z_ND[asked_N])
    if not parts:
        raise CorpusError(
            f"UcCDR: images of held-out classes are in {' and '.join(domains) or 'no domain'} "
            "alone, and it searches one training domain from another"
        )
    return parts


def _joined(parts: Sequence[Scores], *, n_gallery: int) -> Scores:
    """Return the scores of all queries from those of parts of them."""
    sizes_P = np.array([part.n_queries for part in parts])
    values = {
        name: float(np.average([part.values[name] for part in parts], weights=sizes_P))
        for name in parts[0].values
    }
    per_query = {
        name: np.concatenate([part.per_query[name] for part in parts])
        for name in parts[0].per_query
    }
    return Scores(values, per_query, n_queries=int(sizes_P.sum()), n_gallery=n_gallery)
