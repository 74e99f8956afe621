"""A query against any set of domains of an index.

Shapes: Q queries, D width.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from samesense.index.rows import Hit
from samesense.index.store import Store
from samesense.search.merge import merge_by_score


def search(
    store: Store,
    *,
    index: str,
    z_QD: npt.NDArray[np.float32],
    fingerprint: str,
    domains: Sequence[str] | None = None,
    limit: int = 10,
) -> list[list[Hit]]:
    """Return the ``limit`` nearest items of each query over the domains (default: all), merged.

    ``fingerprint`` is that of the encoder that gave the queries.

    Raises:
        StoreError: if the index is of another model, if it or a domain is unknown (the message
            names the nearest), or if width or limit do not fit.
    """
    ranked = store.search(index, z_QD=z_QD, domains=domains, limit=limit, fingerprint=fingerprint)
    return merge_by_score(ranked, limit=limit)
