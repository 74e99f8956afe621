"""Manifests that people write: JSONL, CSV or Parquet with the columns uri, domain, label, text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from samesense.core.errors import CorpusError, did_you_mean
from samesense.corpus.sources.row import Row

REQUIRED = ("uri", "domain", "label")
SUFFIXES = (".jsonl", ".csv", ".parquet")


def list_table(path: Path) -> Iterator[Row]:
    """Yield the rows of a manifest; a relative ``uri`` starts at the manifest's folder.

    A row that lacks a value is listed with the fault ``incomplete_row``.

    Raises:
        CorpusError: if the file cannot be read, or has no such columns.
    """
    for record in _records(path):
        yield _row(record, path)


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        if path.suffix == ".jsonl":
            return list(_json_lines(path))
        if path.suffix == ".csv":
            as_text = pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys((*REQUIRED, "text"), pa.string())
            )
            table = pyarrow.csv.read_csv(path, convert_options=as_text)
        else:
            table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from None
    _check_columns(path, table.column_names)
    chosen = [name for name in (*REQUIRED, "text") if name in table.column_names]
    rows: list[dict[str, Any]] = table.select(chosen).to_pylist()
    return rows


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{path}:{number}: is not JSON: {error}") from None
        if not isinstance(record, dict):
            raise CorpusError(f"{path}:{number}: is not an object with {', '.join(REQUIRED)}")
        if number == 1:
            _check_columns(path, list(record))
        yield record


def _check_columns(path: Path, names: list[str]) -> None:
    for name in REQUIRED:
        if name not in names:
            hint = did_you_mean(name, names)
            raise CorpusError(f"{path}: has no column '{name}' (has: {', '.join(names)}).{hint}")


def _row(record: dict[str, Any], path: Path) -> Row:
    uri, domain, label = (str(record.get(name) or "") for name in REQUIRED)
    if not (uri and domain and label):
        return Row(uri=uri or str(path), domain=domain, label=label, fault="incomplete_row")
    located = uri if "://" in uri else str((path.parent / uri).absolute())
    return Row(uri=located, domain=domain, label=label, text=record.get("text") or None)
