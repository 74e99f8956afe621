"""Pictures that are the same but for size, compression or a touch of colour.

A difference hash (Krawetz 2013) finds candidates: 64 bits that say where grey rises from left to
right. Drawings on white agree in most of them, so a candidate counts only if small grey copies of
both agree too.

Shapes: N and M pictures, P pairs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASH_SIDE, COPY_SIDE = 8, 16
MOST_BITS = 6
"""Bits of the hash in which near-duplicates may differ."""
MOST_LEVELS = 8.0
"""Root mean square of the difference of their grey copies, of 255 levels."""
BANDS = MOST_BITS + 1
"""Two hashes that differ in fewer bits than there are bands agree in one band at least."""
BITS = HASH_SIDE * HASH_SIDE
RESAMPLING = Image.Resampling.BOX
Look = tuple[int, NDArray[np.uint8]]


@dataclass(frozen=True)
class Looks:
    """What pictures look like, from afar."""

    hash_N: NDArray[np.uint64]
    copy_NS: NDArray[np.uint8]
    """Grey copies, flattened."""

    @classmethod
    def of(cls, looks: Iterable[Look]) -> "Looks":
        """Join what ``look`` returned."""
        hashes, copies = [], []
        for hashed, copy_S in looks:
            hashes.append(hashed)
            copies.append(copy_S)
        copies_NS = np.array(copies, dtype=np.uint8).reshape(-1, COPY_SIDE**2)
        return cls(np.array(hashes, dtype=np.uint64), copies_NS)


def look(picture: Image.Image) -> Look:
    """Return a picture's hash and its grey copy."""
    grey = picture.convert("L")
    copy_S = np.asarray(grey.resize((COPY_SIDE, COPY_SIDE), RESAMPLING)).ravel()
    return _difference_hash(grey), copy_S


def near_duplicates(looks: Looks, others: Looks) -> NDArray[np.int64]:
    """Return pairs (P, 2) of a picture and another one that look the same, in order."""
    found: set[tuple[int, int]] = set()
    for shift, width in _bands():
        mask = np.uint64((1 << width) - 1)
        rows_of: defaultdict[int, list[int]] = defaultdict(list)
        for row, band in enumerate(((others.hash_N >> np.uint64(shift)) & mask).tolist()):
            rows_of[band].append(row)
        for row, band in enumerate(((looks.hash_N >> np.uint64(shift)) & mask).tolist()):
            candidates = rows_of.get(band)
            if candidates:
                found.update((row, other) for other in _alike(looks, row, others, candidates))
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _alike(looks: Looks, row: int, others: Looks, candidates: Sequence[int]) -> list[int]:
    rows = np.array(candidates)
    rows = rows[np.bitwise_count(others.hash_N[rows] ^ looks.hash_N[row]) <= MOST_BITS]
    apart = others.copy_NS[rows].astype(np.float32) - looks.copy_NS[row]
    alike: list[int] = rows[np.sqrt((apart**2).mean(axis=1)) <= MOST_LEVELS].tolist()
    return alike


def _bands() -> Iterator[tuple[int, int]]:
    """Yield where each band of the hash begins, and how many bits it has."""
    edges = np.linspace(0, BITS, BANDS + 1).astype(int).tolist()
    return ((start, end - start) for start, end in pairwise(edges))


def _difference_hash(grey: Image.Image) -> int:
    small = np.asarray(grey.resize((HASH_SIDE + 1, HASH_SIDE), RESAMPLING)).astype(np.int16)
    rises = small[:, 1:] > small[:, :-1]
    return int.from_bytes(np.packbits(rises).tobytes(), "big")
