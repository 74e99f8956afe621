"""Scan a corpus: every listed row becomes an item of the manifest or a rejection."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from samesense.core.errors import CorpusError
from samesense.core.hashing import hash_bytes
from samesense.core.progress import track
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.manifest import Manifest
from samesense.corpus.rejections import Rejection, rejection
from samesense.corpus.sources.fetching import read_row
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.options import CorpusOptions
from samesense.corpus.sources.row import Row

ROWS_AHEAD = 512
"""How many rows may be in work at once, so that neither rows nor results pile up."""


@dataclass(frozen=True)
class Scan:
    """A corpus that was read once: ``listed == len(manifest) + len(rejections)``."""

    uri: str
    manifest: Manifest
    rejections: list[Rejection]
    listed: int

    def refuse_if_empty(self, *, table: Path) -> None:
        """Refuse a corpus of which nothing was accepted; ``table`` lists its rejections.

        Raises:
            CorpusError: with how many rows were rejected for which reason.
        """
        if len(self.manifest):
            return
        first = self.rejections[0]
        counts = Counter(rejection.reason for rejection in self.rejections).most_common()
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts)
        raise CorpusError(
            f"{self.uri}: all {self.listed} rows were rejected ({reasons}), each with its reason "
            f"in {table}; the first is {first.uri}: {first.reason} ({first.detail}). Images belong "
            "at domain/class/file, or in a manifest with the columns uri, domain and label"
        )


def scan(uri: str, *, limits: DecodeLimits | None = None, threads: int | None = None) -> Scan:
    """Read, hash and decode every image of a folder or manifest; all of it may be rejected.

    Raises:
        CorpusError: if the corpus cannot be read or lists nothing.
    """
    rows = list(list_rows(CorpusOptions(uri=uri)))
    if not rows:
        raise CorpusError(f"{uri}: is empty; give a folder domain/class/file or a manifest")
    items: dict[str, dict[str, Any]] = {}
    rejections: list[Rejection] = []
    outcomes = _read_all(rows, limits or DecodeLimits(), threads)
    for row, outcome in track(outcomes, total=len(rows), what="scan"):
        if isinstance(outcome, Rejected):
            rejections.append(rejection(row, outcome))
        elif outcome["id"] in items:
            twice = Rejected("duplicate_id", "this uri was listed before in this domain")
            rejections.append(rejection(row, twice))
        else:
            items[outcome["id"]] = outcome
    return Scan(uri, Manifest.from_rows(list(items.values())), rejections, len(rows))


def list_domains(uri: str) -> list[str]:
    """Return the domains that a folder or manifest lists, sorted, without reading any image.

    A scan may find that a domain has no image that can be read.

    Raises:
        CorpusError: if the corpus cannot be read.
    """
    return sorted({row.domain for row in list_rows(CorpusOptions(uri=uri)) if row.fault is None})


def list_labels(uri: str) -> list[str]:
    """Return the classes that a folder or manifest lists, sorted, without reading any image.

    Raises:
        CorpusError: if the corpus cannot be read.
    """
    return sorted({row.label for row in list_rows(CorpusOptions(uri=uri)) if row.fault is None})


def _read_all(
    rows: list[Row], limits: DecodeLimits, threads: int | None
) -> Iterator[tuple[Row, dict[str, Any] | Rejected]]:
    with ThreadPoolExecutor(threads or min(8, 2 * (os.cpu_count() or 1))) as pool:
        for start in range(0, len(rows), ROWS_AHEAD):
            block = rows[start : start + ROWS_AHEAD]
            yield from zip(block, pool.map(lambda row: _read(row, limits), block), strict=True)


def _read(row: Row, limits: DecodeLimits) -> dict[str, Any] | Rejected:
    data = read_row(row, limits=limits)
    if isinstance(data, Rejected):
        return data
    picture = decode(data, limits=limits)
    if isinstance(picture, Rejected):
        return picture
    return _item(row, data, picture)


def _item(row: Row, data: bytes, picture: Image.Image) -> dict[str, Any]:
    return {
        "id": row.id,
        "uri": row.uri,
        "domain": row.domain,
        "label": row.label,
        "text": row.text,
        "content_hash": hash_bytes(data),
        "size_bytes": len(data),
        "width_px": picture.width,
        "height_px": picture.height,
    }
