"""What answers a person's query: all domains asked at once, made comparable, merged and cut.

Shapes: D width.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

import numpy as np
import numpy.typing as npt

from samesense.core.errors import StoreError
from samesense.index.collection import Collection
from samesense.index.rows import Hit
from samesense.index.store import Store
from samesense.search.calibration import Background
from samesense.search.merge import (
    Scored,
    by_calibrated_score,
    by_reciprocal_rank,
    by_score,
    calibrate,
)

Merge = Literal["calibrated", "raw", "rrf"]
Key = tuple[str, str, str]
"""Index, fingerprint, domain."""
SAMPLED_ROWS = 2_000
BACKGROUND_AGE_S = 600.0
MEASURED_AT_ONCE = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """Which hits are wanted, and in what order."""

    domains: Sequence[str] | None = None
    """Where to look; by default in all domains."""
    labels: Sequence[str] = ()
    """Only rows that carry one of these labels, if any are given."""
    limit: int = 10
    """How many hits; of every domain so many where they are not merged."""
    offset: int = 0
    """How many of the best to leave out: the pages before."""
    threshold: float | None = None
    """Least cosine of a hit."""
    merge: Merge = "calibrated"
    """What makes scores of different domains comparable."""


@dataclass(frozen=True)
class Placed:
    """A hit with its place in the ranking, from 1."""

    hit: Hit
    rank: int
    calibrated_score: float
    """Standard deviations above the mean score of its domain for this query."""


@dataclass(frozen=True)
class Answer:
    """The hits in one ranking and by domain, and what the steps took."""

    merged: list[Placed]
    by_domain: dict[str, list[Placed]]
    seconds: dict[str, float] = field(default_factory=dict)


class Searcher:
    """A store, and what is known of the scores that its collections give in general."""

    def __init__(self, store: Store) -> None:
        """Ask this store."""
        self.store = store
        self._backgrounds: dict[Key, Background] = {}
        self._measured_s: dict[Key, float] = {}
        self._first = Lock()
        self._renewing = ThreadPoolExecutor(1)

    def search(
        self, index: str, *, z_D: npt.NDArray[np.float32], fingerprint: str, wanted: Wanted
    ) -> Answer:
        """Return what is nearest to one query vector (D,) of a model.

        Raises:
            StoreError: as ``Store.search``; offset and limit are at most 16,384 in all.
        """
        far = wanted.offset + wanted.limit
        started = time.perf_counter()
        z_QD = z_D[None]
        ranked = self.store.search(
            index,
            z_QD=z_QD,
            domains=wanted.domains,
            limit=far,
            fingerprint=fingerprint,
            labels=wanted.labels,
        )
        if wanted.threshold is not None:
            least = wanted.threshold
            ranked = {
                d: [[h for h in one if h.score >= least] for one in r] for d, r in ranked.items()
            }
        searched = time.perf_counter()
        backgrounds = self._backgrounds_of(index, fingerprint=fingerprint, domains=list(ranked))
        by_domain = {
            domain: calibrate(hits[0], z_D=z_D, background=backgrounds[domain])
            for domain, hits in ranked.items()
        }
        match wanted.merge:
            case "raw":
                merged = by_score(ranked, limit=far)
            case "rrf":
                merged = by_reciprocal_rank(ranked, limit=far)
            case "calibrated":
                merged = by_calibrated_score(ranked, z_QD=z_QD, backgrounds=backgrounds, limit=far)
        calibrated = {_key(s.hit): s.merged_score for hits in by_domain.values() for s in hits}
        page = slice(wanted.offset, far)
        return Answer(
            merged=_place(merged[0] if merged else [], calibrated)[page],
            by_domain={d: _place(hits, calibrated)[page] for d, hits in by_domain.items()},
            seconds={"search": searched - started, "merge": time.perf_counter() - searched},
        )

    def _backgrounds_of(
        self, index: str, *, fingerprint: str, domains: Sequence[str]
    ) -> dict[str, Background]:
        """Measure those that are not known yet; renew old ones while searches go on with them."""
        keys = {domain: (index, fingerprint, domain) for domain in domains}
        if any(key not in self._backgrounds for key in keys.values()):
            with self._first:
                self._measure([key for key in keys.values() if key not in self._backgrounds])
        now = time.monotonic()
        old = [key for key in keys.values() if self._measured_s[key] < now - BACKGROUND_AGE_S]
        if old:
            self._measured_s |= dict.fromkeys(old, now)
            self._renewing.submit(self._renew, old)
        return {domain: self._backgrounds[key] for domain, key in keys.items()}

    def _measure(self, keys: Sequence[Key]) -> None:
        collections = {
            (index, fingerprint, one.contents.domain): one
            for index, fingerprint in {key[:2] for key in keys}
            for one in self.store.collections(index, fingerprint=fingerprint)
        }
        with ThreadPoolExecutor(MEASURED_AT_ONCE) as pool:
            found = pool.map(lambda key: _background(collections[key]), keys)
            for key, background in zip(keys, found, strict=True):
                self._backgrounds[key], self._measured_s[key] = background, time.monotonic()

    def _renew(self, keys: Sequence[Key]) -> None:
        try:
            self._measure(keys)
        except (StoreError, KeyError):
            log.exception("what is known of the scores of %s stays as it was", keys)


def _background(collection: Collection) -> Background:
    rows = collection.sample(about=SAMPLED_ROWS)
    vectors = [row["vector"] for row in rows] or [np.zeros(collection.contents.width)]
    return Background.of(np.asarray(vectors, dtype=np.float32))


def _key(hit: Hit) -> tuple[str, str]:
    return hit.domain, hit.id


def _place(scored: Sequence[Scored], calibrated: dict[tuple[str, str], float]) -> list[Placed]:
    return [
        Placed(one.hit, rank=rank, calibrated_score=calibrated[_key(one.hit)])
        for rank, one in enumerate(scored, start=1)
    ]
