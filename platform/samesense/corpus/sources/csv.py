"""A comma-separated manifest; its first line names uri (or path), domain, label, maybe text and
revision."""

import csv
from collections.abc import Iterator

from samesense.core.errors import CorpusError
from samesense.corpus.reading import open_text
from samesense.corpus.sources.row import Row, bad_row, check_columns, row_of


def list_csv(path: str) -> Iterator[Row]:
    """Yield the rows, numbered by line; blank lines are not listed.

    A line with more values than columns is listed with the fault ``bad_row``.

    Raises:
        CorpusError: if the file cannot be read, or lacks a column.
    """
    try:
        with open_text(path) as file:
            reader = csv.DictReader(file)
            check_columns(reader.fieldnames or (), path=path)
            for record in reader:
                if None in record:
                    yield bad_row("more values than columns", path=path, number=reader.line_num)
                else:
                    yield row_of(record, path=path, number=reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from None
