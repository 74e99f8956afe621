"""Vectors as Parquet, for those who bring their own database, and back into an index.

Shapes: N vectors, D width.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from samesense.bulk.ledger import Entry
from samesense.core.errors import CorpusError
from samesense.core.storage import write_atomically

METADATA = b"samesense"
TEXTS = ("id", "uri", "domain", "label", "content_hash", "revision")


@dataclass(frozen=True)
class Origin:
    """Where exported vectors come from."""

    fingerprint: str
    """The model."""
    model: str
    """Its folder when they were made."""
    corpus: str
    """URI of the corpus."""
    width: int


@dataclass(frozen=True)
class Exported:
    """One file of vectors (N, D) of unit length, with what is known of each."""

    entries: list[Entry]
    z_ND: npt.NDArray[np.float32]


def write_vectors(
    path: Path, *, entries: Sequence[Entry], z_ND: npt.NDArray[np.float32], origin: Origin
) -> None:
    """Write one file, whole or not at all; ``vector`` is a list of float32 of fixed length.

    Raises:
        WriteError: if it cannot be written.
    """
    schema = pa.schema(
        [(name, pa.string()) for name in TEXTS]
        + [("vector", pa.list_(pa.float32(), z_ND.shape[1]))],
        metadata={METADATA: json.dumps(origin.__dict__).encode()},
    )
    columns = [pa.array([getattr(entry, name) for entry in entries], pa.string()) for name in TEXTS]
    flat = pa.array(np.ascontiguousarray(z_ND, dtype=np.float32).reshape(-1))
    vectors = pa.FixedSizeListArray.from_arrays(flat, z_ND.shape[1])
    table = pa.table([*columns, vectors], schema=schema)
    write_atomically(path, write=lambda temporary: pq.write_table(table, temporary))


def read_origin(folder: Path) -> Origin:
    """Return where the vectors of a folder come from.

    Raises:
        CorpusError: if it holds none, or those of several models.
    """
    found = {_origin(path) for path in _files(folder)}
    if len(found) != 1:
        what = "holds no exported vectors" if not found else "holds vectors of several models"
        raise CorpusError(
            f"{folder}: {what}; `samesense embed` with `parquet: true` writes them to OUT/vectors"
        )
    return found.pop()


def read_vectors(folder: Path) -> Iterator[Exported]:
    """Yield the files of a folder.

    Raises:
        CorpusError: if one cannot be read.
    """
    for path in _files(folder):
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise CorpusError(f"{path}: cannot be read: {error}") from None
        flat = table.column("vector").combine_chunks().flatten().to_numpy()
        rows = table.select(TEXTS).to_pylist()
        yield Exported(
            entries=[Entry(**row, fate="embedded") for row in rows],
            z_ND=flat.reshape(len(rows), -1) if rows else np.zeros((0, 0), np.float32),
        )


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.parquet"))


def _origin(path: Path) -> Origin:
    try:
        metadata = pq.read_schema(path).metadata or {}
        return Origin(**json.loads(metadata[METADATA]))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise CorpusError(f"{path}: holds no exported vectors: {error}") from None
