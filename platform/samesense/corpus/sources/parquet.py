"""A Parquet table: a manifest of URIs, or one that holds the images themselves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from samesense.core.errors import CorpusError
from samesense.corpus.reading import image_column, open_file
from samesense.corpus.sources.file import File
from samesense.corpus.sources.row import COLUMNS, LOCATIONS, Row, check_columns, row_of


def list_parquet(table: File) -> Iterator[Row]:
    """Yield the rows, numbered from 1; no image is read.

    Columns are uri (or path), domain, label and maybe text and revision. Where there is no uri, but
    a column of encoded images (``image``, ``bytes``), a row's image is that of the table, and so is
    its revision unless it has its own.

    Raises:
        CorpusError: if the file cannot be read, or lacks a column.
    """
    try:
        with open_file(table.uri) as opened, pq.ParquetFile(opened) as file:
            names = file.schema_arrow.names
            holds_images = image_column(names) and not any(name in names for name in LOCATIONS)
            check_columns([*names, *(LOCATIONS[:1] if holds_images else ())], path=table.uri)
            number = 0
            for batch in file.iter_batches(columns=[name for name in COLUMNS if name in names]):
                for record in batch.to_pylist():
                    number += 1
                    yield _row(record, table, number, holds_images=bool(holds_images))
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise CorpusError(f"{table.uri}: cannot be read: {error}") from None


def _row(record: dict[str, Any], table: File, number: int, *, holds_images: bool) -> Row:
    if not holds_images:
        return row_of(record, path=table.uri, number=number)
    held = record | {LOCATIONS[0]: f"{table.uri}#{number - 1}"}
    row = row_of(held, path=table.uri, number=number)
    return row if row.fault else replace(row, revision=row.revision or table.revision)
