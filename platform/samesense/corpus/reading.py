"""The bytes behind a URI: a file, an object of a store, or one image within a shard.

``PATH.tar#MEMBER`` is a file within a tar archive, ``PATH.parquet#ROW`` the image in a row of a
table; PATH is local or ``s3://``.
"""

import io
import tarfile
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from samesense.core.errors import ConfigError
from samesense.core.storage import local_path
from samesense.corpus.objects import is_object, read_object

TAR, PARQUET = ".tar", ".parquet"
BUFFER_BYTES = 1 << 16
IMAGE_COLUMNS = ("image", "bytes", "image_bytes", "jpg", "png")
"""Names of a column of encoded images; the first that is there counts."""


def read_bytes(uri: str, *, at_most_bytes: int = -1, span: tuple[int, int] | None = None) -> bytes:
    """Return the bytes behind a path or URI, or the first ``at_most_bytes`` of them.

    ``span`` is where the member of an archive starts and how long it is, if that is known.

    Raises:
        OSError: if they cannot be read.
        ConfigError: if the scheme is not supported.
    """
    shard, inside = split_shard(uri)
    if not inside:
        return _read(uri, start=0, length=at_most_bytes)
    if shard.endswith(PARQUET):
        return _cell(shard, row=int(inside))[: at_most_bytes if at_most_bytes >= 0 else None]
    start, length = span or _find_member(shard, name=inside)
    wanted = length if at_most_bytes < 0 else min(length, at_most_bytes)
    return _read(shard, start=start, length=wanted)


def split_shard(uri: str) -> tuple[str, str]:
    """Return the shard of an image and its name within, which is empty if it is not in a shard."""
    shard, mark, inside = uri.partition("#")
    if mark and inside and shard.endswith((TAR, PARQUET)):
        return shard, inside
    return uri, ""


def open_file(uri: str) -> io.BufferedReader:
    """Open a file or object for reading in any order.

    Raises:
        OSError: if it cannot be opened.
    """
    if not is_object(uri):
        return local_path(uri).open("rb")
    # Tables and archives are read here and there: Arrow asks for those ranges alone.
    files, path = fs.FileSystem.from_uri(uri)
    return io.BufferedReader(files.open_input_file(path), buffer_size=BUFFER_BYTES)


def open_text(uri: str) -> TextIO:
    """Open a file or object as text in UTF-8; a byte order mark, as spreadsheets write, is skipped.

    Raises:
        OSError: if it cannot be opened.
    """
    return io.TextIOWrapper(open_file(uri), encoding="utf-8-sig", newline="")


def image_column(names: list[str]) -> str | None:
    """Return the name of a table's column of encoded images, or None if it has none."""
    return next((name for name in IMAGE_COLUMNS if name in names), None)


def image_bytes(cell: Any) -> bytes:
    """Return an image's bytes from a cell: they themselves, or a mapping that holds them."""
    data = cell.get("bytes") if isinstance(cell, Mapping) else cell
    return data if isinstance(data, bytes) else b""


def _read(uri: str, *, start: int, length: int) -> bytes:
    if is_object(uri):
        return read_object(uri, start=start, end=None if length < 0 else start + length)
    with local_path(uri).open("rb") as file:
        file.seek(start)
        return file.read(length)


def _find_member(shard: str, *, name: str) -> tuple[int, int]:
    with open_file(shard) as file, tarfile.open(fileobj=file) as archive:
        for member in archive:
            if member.name == name:
                return member.offset_data, member.size
    raise FileNotFoundError(f"{shard}: has no member {name}")


def _cell(shard: str, *, row: int) -> bytes:
    try:
        for group, (first, count) in enumerate(_row_groups(shard)):
            if first <= row < first + count:
                return image_bytes(_images(shard, group)[row - first].as_py())
    except (ConfigError, pa.ArrowException) as error:
        raise OSError(f"{shard}: {error}") from None
    raise FileNotFoundError(f"{shard}: has no row {row}")


@lru_cache(maxsize=16)
def _row_groups(shard: str) -> list[tuple[int, int]]:
    """First row and number of rows of each row group."""
    with open_file(shard) as file, pq.ParquetFile(file) as table:
        counts = [table.metadata.row_group(n).num_rows for n in range(table.num_row_groups)]
    return [(sum(counts[:n]), count) for n, count in enumerate(counts)]


@lru_cache(maxsize=2)
def _images(shard: str, group: int) -> pa.ChunkedArray:
    with open_file(shard) as file, pq.ParquetFile(file) as table:
        column = image_column(table.schema_arrow.names)
        if column is None:
            raise ConfigError(f"has no column of images ({', '.join(IMAGE_COLUMNS)})")
        return table.read_row_group(group, columns=[column]).column(column)
