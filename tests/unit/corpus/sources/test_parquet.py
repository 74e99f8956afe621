from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.reading import read_bytes
from samesense.corpus.sources.file import File
from samesense.corpus.sources.parquet import list_parquet
from samesense.corpus.sources.row import Row


def _file(path: Path) -> File:
    return File(uri=str(path), path=path.name, revision="7")


def _list(folder: Path, columns: dict[str, list[Any]]) -> list[Row]:
    path = folder / "m.parquet"
    pq.write_table(pa.table(columns), path)
    return list(list_parquet(_file(path)))


def test_rows_are_read_and_other_columns_are_not(tmp_path: Path) -> None:
    rows = _list(
        tmp_path,
        {"bytes": [b"1", b"2"], "path": ["x.png", "/y.png"], "domain": ["d"] * 2, "label": [0, 1]},
    )
    assert rows == [Row(str(tmp_path / "x.png"), "d", "0"), Row("/y.png", "d", "1")]


def test_a_table_of_images_is_its_own_source(tmp_path: Path) -> None:
    cells = [{"bytes": b"first", "path": None}, {"bytes": b"second", "path": None}]
    rows = _list(tmp_path, {"image": cells, "domain": ["d"] * 2, "label": ["a", "b"]})
    assert [row.revision for row in rows] == ["7", "7"]
    assert [read_bytes(row.uri) for row in rows] == [b"first", b"second"]
    assert read_bytes(rows[1].uri, at_most_bytes=3) == b"sec"
    with pytest.raises(FileNotFoundError, match="has no row 2"):
        read_bytes(rows[1].uri.replace("#1", "#2"))


def test_a_row_may_have_a_revision_of_its_own(tmp_path: Path) -> None:
    rows = _list(
        tmp_path,
        {"bytes": [b"1", b"2"], "domain": ["d"] * 2, "label": ["a", "b"], "revision": ["r", None]},
    )
    assert [row.revision for row in rows] == ["r", "7"]


def test_a_null_is_a_fault_that_names_the_row(tmp_path: Path) -> None:
    rows = _list(tmp_path, {"uri": ["x", "y"], "domain": ["d", None], "label": ["a", "b"]})
    assert rows[0].fault is None
    assert rows[1].fault is not None
    assert rows[1].fault.reason == "incomplete_row"
    assert "row 2: lacks domain" in rows[1].fault.detail


def test_a_missing_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no column 'domain'.*Did you mean 'domains'"):
        _list(tmp_path, {"uri": ["x"], "domains": ["d"], "label": ["c"]})


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"no parquet at all", b"PAR1" + bytes(40) + b"PAR1"]
)
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.parquet").write_bytes(data)
    with pytest.raises(CorpusError, match=r"m.parquet: cannot be read"):
        list(list_parquet(_file(tmp_path / "m.parquet")))
