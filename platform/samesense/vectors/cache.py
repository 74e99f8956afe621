"""The cache of a frozen tower's vectors: a folder of immutable parts, keyed by content hash.

Nothing in it is ever changed, so writers need no lock: each ``put`` adds one file under a name that
follows from its content, and a rename makes it visible whole. The same vectors put twice are the
same file; the same key in two parts is harmless, since a tower gives one vector for one content.
A killed writer leaves at most a hidden temporary file, which no reader looks at. A file that is not
a whole part (foreign, or cut by a full disk) is passed over with a warning that names it: its
vectors count as missing and are computed again.

Keys are held in memory after the first question, vectors after the first ``get`` of their part, in
the width in which they are stored; ``put`` alone holds nothing.

Shapes: N vectors, D width.
"""

import math
import re
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samesense.core.errors import CacheError
from samesense.core.hashing import hash_bytes
from samesense.vectors.part import STORED, Dtype, Part, encode, read_part, write_part

SHOWN_KEYS = 3


class VectorCache:
    """Vectors of one tower, at ``<root>/<fingerprint>/*.parquet``.

    ``dtype`` says how new parts are stored (bfloat16 halves them); parts of both types are read.
    ``parts_in_memory`` bounds how many parts keep their vectors after a ``get``; by default all do.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        fingerprint: str,
        dtype: Dtype = "float32",
        parts_in_memory: int | None = None,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", fingerprint):
            raise CacheError(f"vectors: '{fingerprint}' cannot name a folder of the cache")
        if dtype not in STORED:
            raise CacheError(f"vectors: no dtype '{dtype}' (has: {', '.join(STORED)})")
        self.folder = Path(root) / fingerprint
        self.dtype: Dtype = dtype
        self.parts_in_memory = parts_in_memory
        self._resident: dict[int, None] = {}
        self._parts: list[Part] = []
        self._seen: set[str] = set()
        self._looked = -math.inf
        self._place: dict[str, tuple[int, int]] = {}

    @property
    def width(self) -> int | None:
        """The width D of the vectors, or None while there are none."""
        if not self._parts:
            self._refresh(stop_after_first=True)
        return self._parts[0].width if self._parts else None

    def put(self, keys: Sequence[str], z_ND: npt.NDArray[np.floating]) -> None:
        """Add vectors (N, D) under their keys as one new part.

        Raises:
            CacheError: if shapes do not fit, a value is not finite, or the width is another.
        """
        z_ND = np.asarray(z_ND, dtype=np.float32)
        if z_ND.ndim != 2 or len(keys) != len(z_ND):
            raise CacheError(f"{self.folder}: {len(keys)} keys for vectors of shape {z_ND.shape}")
        if not len(keys):
            return
        finite_N = np.isfinite(z_ND).all(axis=1)
        if not finite_N.all():
            bad = [key for key, finite in zip(keys, finite_N, strict=True) if not finite]
            raise CacheError(f"{self.folder}: not finite: {_some(bad)}")
        if self.width not in (None, z_ND.shape[1]):
            raise CacheError(
                f"{self.folder}: holds vectors of width {self.width}, got {z_ND.shape[1]}; "
                "give another tower another fingerprint"
            )
        stored_ND = encode(z_ND, dtype=self.dtype)
        content = "\n".join(keys).encode() + b"\0" + self.dtype.encode() + stored_ND.tobytes()
        path = self.folder / f"{hash_bytes(content)[:32]}.parquet"
        write_part(path, keys=keys, stored_ND=stored_ND, dtype=self.dtype)

    def missing(self, keys: Iterable[str], *, as_of_s: float = 0.0) -> list[str]:
        """Return the keys that have no vector yet, each once, in the order given.

        The folder is looked at again if the last look is longer ago than ``as_of_s`` seconds.
        """
        if time.monotonic() - self._looked >= as_of_s:
            self._refresh()
        return [key for key in dict.fromkeys(keys) if key not in self._place]

    def get(self, keys: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors of ``keys`` in their order, (N, D) float32.

        Raises:
            CacheError: if some are missing; the message says how many.
        """
        if any(key not in self._place for key in keys) and (missing := self.missing(keys)):
            raise CacheError(
                f"{self.folder}: {len(missing)} of {len(set(keys))} vectors are missing: "
                f"{_some(missing)}; embed them first"
            )
        if not keys:
            return np.zeros((0, self.width or 0), dtype=np.float32)
        places_N2 = np.array([self._place[key] for key in keys], dtype=np.int64)
        order_N = np.argsort(places_N2[:, 0], kind="stable")
        numbers, starts = np.unique(places_N2[order_N, 0], return_index=True)
        z_ND = np.empty((len(keys), self._parts[0].width), dtype=np.float32)
        for number, rows in zip(numbers, np.split(order_N, starts[1:]), strict=True):
            z_ND[rows] = self._parts[number].take(places_N2[rows, 1])
            self._release_all_but_latest(int(number))
        return z_ND

    def _release_all_but_latest(self, number: int) -> None:
        self._resident.pop(number, None)
        self._resident[number] = None
        if self.parts_in_memory is not None and len(self._resident) > self.parts_in_memory:
            oldest = next(iter(self._resident))
            del self._resident[oldest]
            self._parts[oldest].stored_ND = None

    def __len__(self) -> int:
        self._refresh()
        return len(self._place)

    def __contains__(self, key: str) -> bool:
        return key in self._place or not self.missing([key])

    def _refresh(self, *, stop_after_first: bool = False) -> None:
        """Take notice of the parts that appeared since the last look."""
        if not stop_after_first:
            self._looked = time.monotonic()
        for path in sorted(self.folder.glob("[!.]*.parquet")):
            if path.name in self._seen:
                continue
            self._seen.add(path.name)
            try:
                self._add(read_part(path))
            except (OSError, ValueError, pa.ArrowException) as error:
                warnings.warn(f"{path}: passed over, not a part: {error}; delete it", stacklevel=3)
            if stop_after_first and self._parts:
                return

    def _add(self, part: Part) -> None:
        if self._parts and part.width != self._parts[0].width:
            first = self._parts[0]
            raise CacheError(
                f"{part.path}: width {part.width}, but {first.path.name} beside it has "
                f"{first.width}; one of them belongs to another tower: delete it"
            )
        number = len(self._parts)
        self._parts.append(part)
        self._place.update((key, (number, row)) for row, key in enumerate(part.keys))


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
    return ", ".join(keys[:SHOWN_KEYS]) + more
