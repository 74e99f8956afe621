from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from samesense.corpus.rejections import SCHEMA, Rejection, write_rejections


def test_rejections_are_a_table_that_opens(tmp_path: Path) -> None:
    rows = [Rejection("/a.png", "d", "c", "truncated", "half"), Rejection("/b", "", "", "x", "y")]
    write_rejections(tmp_path / "below" / "r.parquet", rows)
    assert pq.read_table(tmp_path / "below" / "r.parquet").to_pylist() == [asdict(r) for r in rows]


def test_no_rejections_are_a_table_too(tmp_path: Path) -> None:
    write_rejections(tmp_path / "r.parquet", [])
    table = pq.read_table(tmp_path / "r.parquet")
    assert (table.num_rows, table.schema) == (0, SCHEMA)
