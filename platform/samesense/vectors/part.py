"""One immutable Parquet file of the cache: a key column and a column of vectors as raw bytes.

Vectors are little-endian rows of fixed size, so that a whole column becomes a numpy matrix without
touching its values. Width and number type stand in the file's schema metadata.

Shapes: N vectors, D width.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from samesense.core.storage import write_atomically
from samesense.vectors.bfloat16 import from_bfloat16, to_bfloat16

Dtype = Literal["float32", "bfloat16"]
STORED: dict[Dtype, npt.DTypeLike] = {"float32": "<f4", "bfloat16": "<u2"}
WIDTH, DTYPE = b"samesense.width", b"samesense.dtype"


@dataclass
class Part:
    """A part on disk. Its keys are read at once, its vectors when they are first asked for."""

    path: Path
    width: int
    dtype: Dtype
    keys: list[str]
    stored_ND: npt.NDArray[Any] | None = field(default=None, repr=False)

    def take(self, rows_N: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the vectors of some rows, (N, D) float32."""
        if self.stored_ND is None:
            self.stored_ND = _read_vectors(self.path, width=self.width, dtype=self.dtype)
        taken_ND = self.stored_ND[rows_N]
        return from_bfloat16(taken_ND) if self.dtype == "bfloat16" else taken_ND


def encode(z_ND: npt.NDArray[np.float32], *, dtype: Dtype) -> npt.NDArray[Any]:
    """Return vectors as they are stored: float32, or the uint16 bits of bfloat16."""
    stored_ND = to_bfloat16(z_ND) if dtype == "bfloat16" else z_ND
    return np.ascontiguousarray(stored_ND, dtype=STORED[dtype])


def write_part(
    path: Path, *, keys: Sequence[str], stored_ND: npt.NDArray[Any], dtype: Dtype
) -> None:
    """Write a part so that it appears whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    width = stored_ND.shape[1]
    row_bytes = width * stored_ND.itemsize
    vectors = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(row_bytes), len(keys), [None, pa.py_buffer(stored_ND)]
    )
    schema = pa.schema(
        [("key", pa.string()), ("vector", pa.binary(row_bytes))],
        metadata={WIDTH: str(width).encode(), DTYPE: dtype.encode()},
    )
    table = pa.table([pa.array(keys, pa.string()), vectors], schema=schema)
    write_atomically(
        path,
        write=lambda temporary: pq.write_table(
            table, temporary, compression={"key": "zstd", "vector": "none"}, use_dictionary=False
        ),
    )


def read_part(path: Path) -> Part:
    """Read a part's keys, width and number type, not its vectors.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not a whole part.
    """
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        metadata = schema.metadata or {}
        width, dtype = int(metadata.get(WIDTH, b"0")), metadata.get(DTYPE, b"").decode()
        if width < 1 or dtype not in STORED or schema.names != ["key", "vector"]:
            raise ValueError("it has no columns key and vector with their width and number type")
        keys = file.read(["key"]).column("key").to_pylist()
    return Part(path=path, width=width, dtype=dtype, keys=keys)


def _read_vectors(path: Path, *, width: int, dtype: Dtype) -> npt.NDArray[Any]:
    with pq.ParquetFile(path) as file:
        column = file.read(["vector"]).column("vector").combine_chunks()
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    rows = [
        np.frombuffer(chunk.buffers()[1], dtype=STORED[dtype]).reshape(-1, width)[
            chunk.offset : chunk.offset + len(chunk)
        ]
        for chunk in chunks
    ]
    return rows[0] if len(rows) == 1 else np.concatenate(rows)
