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
    domains = embedded.manifest.domains
    gallery = embedded.of(splits=("gallery",))
    parts = []
    for domain in domains:
        others = gallery.of(domains=[name for name in domains if name != domain])
        if len(others.manifest):
            parts.append(score(embedded.of(domains=(domain,)), gallery=others, each=each))
    if not parts:
        raise CorpusError(
            f"UcCDR: images of held-out classes are in {' and '.join(domains) or 'no domain'} "
            "alone, and it searches one training domain from another"
        )
    return _joined(parts, n_gallery=len(gallery.manifest))


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
