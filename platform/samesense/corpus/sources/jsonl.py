"""A manifest of JSON lines, each an object with uri (or path), domain, label, maybe text and
revision."""

import json
from collections.abc import Iterator

from samesense.core.errors import CorpusError
from samesense.corpus.reading import open_text
from samesense.corpus.sources.row import Row, bad_row, row_of


def list_jsonl(path: str) -> Iterator[Row]:
    """Yield the rows, numbered by line; blank lines are not listed.

    A line that is no JSON object is listed with the fault ``bad_row``.

    Raises:
        CorpusError: if the file cannot be read.
    """
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _row(line, path, number)
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from None


def _row(line: str, path: str, number: int) -> Row:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return bad_row(f"is not JSON: {error}", path=path, number=number)
    if not isinstance(record, dict):
        return bad_row("is not a JSON object", path=path, number=number)
    return row_of(record, path=path, number=number)
