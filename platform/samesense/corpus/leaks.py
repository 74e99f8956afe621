"""Whether a split keeps what is learned from apart from what is asked.

The same bytes or nearly the same picture on both sides makes a model look better than it is.
"""

import csv
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samesense.core.errors import CorpusError
from samesense.core.progress import track
from samesense.core.storage import write_text_atomically
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.manifest import Manifest
from samesense.corpus.near_duplicates import Look, Looks, look, near_duplicates
from samesense.corpus.reading import read_bytes
from samesense.corpus.splits import ASKED, LEARNED_FROM

ASKED_TOO = (*ASKED, "train_published")
"""What the published UdCDR trains on and asks is a leak on both sides."""


@dataclass(frozen=True)
class Leak:
    """Two images of which one is learned from and the other is asked."""

    learned: str
    asked: str
    kind: str
    """``same bytes`` or ``near-duplicate``."""


def find_leaks(split: Manifest, *, limits: DecodeLimits) -> list[Leak]:
    """Compare every image that is learned from with every one that is asked.

    Raises:
        CorpusError: if one side is empty, or an image cannot be read any more.
    """
    learned, asked = (
        split.where(np.isin(split.column("split").astype(str), names))
        for names in (LEARNED_FROM, ASKED_TOO)
    )
    if not len(learned) or not len(asked):
        raise CorpusError(
            f"{len(learned)} images to learn from and {len(asked)} to ask: the column 'split' must "
            f"say {', '.join(LEARNED_FROM[:2])}, and {', '.join(ASKED)}"
        )
    sides = [_looks(side, limits) for side in (learned, asked)]
    names = ("uri", "content_hash")
    uri_N, hash_N = (learned.column(name) for name in names)
    uri_M, hash_M = (asked.column(name) for name in names)
    return [
        Leak(
            str(uri_N[row]),
            str(uri_M[other]),
            "same bytes" if hash_N[row] == hash_M[other] else "near-duplicate",
        )
        for row, other in near_duplicates(*sides).tolist()
    ]


def _looks(side: Manifest, limits: DecodeLimits) -> Looks:
    def seen(uri: str) -> Look:
        try:
            picture = decode(read_bytes(uri), limits=limits)
        except OSError as error:
            raise CorpusError(f"{uri}: {error}; scan the corpus again") from None
        if isinstance(picture, Rejected):
            raise CorpusError(f"{uri}: {picture.reason}: {picture.detail}; scan the corpus again")
        return look(picture)

    uris = [str(uri) for uri in side.column("uri")]
    with ThreadPoolExecutor() as pool:
        return Looks.of(track(pool.map(seen, uris), total=len(uris), what="look at"))


def write_leaks(path: Path, leaks: Sequence[Leak]) -> None:
    """Write the pairs as CSV, a line each.

    Raises:
        WriteError: if it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["kind", "learned", "asked"])
    writer.writerows((leak.kind, leak.learned, leak.asked) for leak in leaks)
    write_text_atomically(path, text.getvalue())
