"""A Parquet manifest: what a scan wrote, or any with uri (or path), domain, label, maybe text."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samesense.core.errors import CorpusError
from samesense.corpus.sources.row import COLUMNS, Row, check_columns, row_of


def list_parquet(path: Path) -> Iterator[Row]:
    """Yield the rows, numbered from 1; other columns are not read.

    Raises:
        CorpusError: if the file cannot be read, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            check_columns(names, path=path)
            number = 0
            for batch in file.iter_batches(columns=[name for name in COLUMNS if name in names]):
                for record in batch.to_pylist():
                    number += 1
                    yield row_of(record, path=path, number=number)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from None
