"""Two models of one index compared: which rows differ, and how much the answers do."""

from dataclasses import dataclass

import numpy as np

from samesense.bulk.sampling import sample_rows
from samesense.index.collection import Collection

NEIGHBOURS = 10


@dataclass(frozen=True)
class Difference:
    """One domain, in two collections."""

    domain: str
    only_first: int
    only_second: int
    both: int
    changed: int
    """How many rows of both have another content."""
    overlap: float | None
    """Mean share of the ``NEIGHBOURS`` nearest that both models agree on, over sampled rows."""


def difference(
    domain: str, first: Collection | None, second: Collection | None, *, sample: int, seed: int = 0
) -> Difference:
    """Compare the collections that two models have of a domain; one may be lacking.

    Raises:
        StoreError: if the index does not answer.
    """
    one = first.ids_with_hashes() if first else {}
    other = second.ids_with_hashes() if second else {}
    both = one.keys() & other.keys()
    return Difference(
        domain=domain,
        only_first=len(one) - len(both),
        only_second=len(other) - len(both),
        both=len(both),
        changed=sum(one[row_id] != other[row_id] for row_id in both),
        overlap=_overlap(first, second, sample=sample, seed=seed) if first and second else None,
    )


def _overlap(first: Collection, second: Collection, *, sample: int, seed: int) -> float | None:
    ids = [row["id"] for row in sample_rows(first, count=sample, seed=seed)]
    vectors = [collection.vectors(ids) for collection in (first, second)]
    common = [row_id for row_id in ids if all(row_id in found for found in vectors)]
    if not common:
        return None
    answers = [
        collection.search(np.stack([found[row_id] for row_id in common]), limit=NEIGHBOURS)
        for collection, found in zip((first, second), vectors, strict=True)
    ]
    shares = [
        len({hit.id for hit in one} & {hit.id for hit in other}) / max(1, len(one))
        for one, other in zip(*answers, strict=True)
    ]
    return float(np.mean(shares))
