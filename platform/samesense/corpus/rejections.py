"""Rows that did not become items, as a table that a person can open."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samesense.core.storage import write_atomically
from samesense.corpus.decode import Rejected
from samesense.corpus.sources.row import Row, printable

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


def rejection(row: Row, why: Rejected) -> Rejection:
    """Return a row's rejection as any table can hold it."""
    return Rejection(
        uri=printable(row.uri),
        domain=printable(row.domain),
        label=printable(row.label),
        reason=why.reason,
        detail=printable(why.detail),
    )


def write_rejections(path: Path, rejections: Sequence[Rejection]) -> None:
    """Write the rejections as Parquet; an empty table is written too."""
    table = pa.Table.from_pylist([asdict(rejection) for rejection in rejections], schema=SCHEMA)
    write_atomically(path, write=lambda temporary: pq.write_table(table, temporary))
