"""Rows that did not become items, as a table that a person can open."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samesense.core.storage import write_atomically

SCHEMA = pa.schema([(name, pa.string()) for name in ("uri", "domain", "label", "reason", "detail")])


@dataclass(frozen=True)
class Rejection:
    """A listed row that has no usable image."""

    uri: str
    domain: str
    label: str
    reason: str
    """A stable code, such as ``truncated``."""
    detail: str
    """The same in words."""


def write_rejections(path: Path, rejections: Sequence[Rejection]) -> None:
    """Write the rejections as Parquet; an empty table is written too."""
    table = pa.Table.from_pylist([asdict(rejection) for rejection in rejections], schema=SCHEMA)
    write_atomically(path, write=lambda temporary: pq.write_table(table, temporary))
