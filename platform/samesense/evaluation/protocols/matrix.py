"""Every domain searched from every other: shows an anchor bias directly.

Shapes: K domains.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.scores import Each, score
from samesense.evaluation.protocols.udcdr import refuse_seen


@dataclass(frozen=True)
class Matrix:
    """mAP@all from each source domain (rows) to each target domain (columns)."""

    domains: list[str]
    map_KK: NDArray[np.float64]
    items_K: NDArray[np.int64]
    """How many items of each domain are queries in its row and gallery in its column."""

    @property
    def asymmetry_KK(self) -> NDArray[np.float64]:
        """|mAP(a→b) − mAP(b→a)|: zero everywhere when no domain is favoured."""
        asymmetry: NDArray[np.float64] = np.abs(self.map_KK - self.map_KK.T)
        return asymmetry


def source_target_matrix(embedded: Embedded, *, each: Each = map) -> Matrix:
    """Score every pair of domains on the items that no stage has seen.

    On the diagonal a query is never its own answer. Blocks of queries are scored by ``each``.

    Raises:
        CorpusError: if training saw one of the items.
    """
    refuse_seen(embedded)
    unseen = embedded.of(splits=("query", "gallery"))
    domains = unseen.manifest.domains
    parts = [unseen.of(domains=(domain,)) for domain in domains]
    values = [[score(a, gallery=b, each=each).values["mAP@all"] for b in parts] for a in parts]
    items = [len(part.manifest) for part in parts]
    return Matrix(domains=domains, map_KK=np.array(values), items_K=np.array(items))
