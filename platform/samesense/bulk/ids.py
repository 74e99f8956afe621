"""Ids of rows by the million: 16 bytes each, sorted arrays in the place of sets.

An id is a hash of 32 hexadecimal digits (``item_id``). Ids are added to a ``bytearray``, block by
block, and looked at as an array of that very memory.

Shapes: N, M ids.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from samesense.corpus.manifest import ID_HEX_DIGITS

Ids = npt.NDArray[np.bytes_]
ID_BYTES = ID_HEX_DIGITS // 2
NO_ID = "0" * ID_HEX_DIGITS
"""Stands in the place of a row that does not count; no hash is all zeros."""
IDS_AT_ONCE = 1 << 16
FIRST_BYTES = 256


def packed(ids: Iterable[str]) -> bytes:
    """Return ids as bytes, one after another.

    Raises:
        ValueError: if one is no id.
    """
    digits = list(ids)
    joined = bytes.fromhex("".join(digits))
    if len(joined) != ID_BYTES * len(digits):
        raise ValueError(f"an id has not {ID_HEX_DIGITS} digits")
    return joined


def view(ids_N: bytes | bytearray) -> Ids:
    """Return packed ids as an array (N,) of the same memory."""
    return np.frombuffer(ids_N, dtype=f"S{ID_BYTES}")


def named(ids_N: Ids) -> Iterator[str]:
    """Yield ids as they are written in the index."""
    # numpy drops the zeros at the end of bytes.
    return (bytes(one).ljust(ID_BYTES, b"\0").hex() for one in ids_N)


def sorted_once(ids_N: bytearray) -> Ids:
    """Return packed ids sorted, each once; they are sorted in their own memory."""
    ids = view(ids_N)
    ids.sort()
    return np.unique(ids) if (ids[1:] == ids[:-1]).any() else ids


def lacking(ids_N: Ids, there_M: Ids) -> Ids:
    """Return which of some ids are not among others; both are sorted."""
    kept = [
        part[~among(part, there_M)]
        for start in range(0, len(ids_N), IDS_AT_ONCE)
        if len(part := ids_N[start : start + IDS_AT_ONCE])
    ]
    return np.concatenate(kept) if kept else ids_N[:0]


def repeated(ids_N: bytearray) -> npt.NDArray[np.int64]:
    """Return, rising, at which positions of packed ids one stands that stood before.

    ``NO_ID`` is none. An id is looked for among those that begin with the same byte, so that little
    more memory is needed than the ids have.
    """
    ids = view(ids_N)
    first_N = np.frombuffer(ids_N, dtype=np.uint8)[::ID_BYTES].copy()
    found = [_repeated(ids, np.flatnonzero(first_N == byte)) for byte in range(FIRST_BYTES)]
    return np.sort(np.concatenate(found))


def _repeated(ids_N: Ids, at_M: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    ids_M = ids_N[at_M]
    order_M = np.argsort(ids_M, kind="stable")
    ids_M = ids_M[order_M]
    same = (ids_M[1:] == ids_M[:-1]) & (ids_M[1:] != bytes(ID_BYTES))
    places: npt.NDArray[np.int64] = at_M[order_M[1:][same]]
    return places


def among(ids_N: Ids, there_M: Ids) -> npt.NDArray[np.bool_]:
    """Tell of each of some ids whether it is among others, which are sorted."""
    if not len(there_M):
        return np.zeros(len(ids_N), dtype=np.bool_)
    nearest_N = np.minimum(np.searchsorted(there_M, ids_N), len(there_M) - 1)
    found: npt.NDArray[np.bool_] = there_M[nearest_N] == ids_N
    return found
