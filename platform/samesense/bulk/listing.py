"""What a job has to do: the rows of a corpus, written down in blocks before any is read.

The listing is streamed into files of a block each, so that its length costs no memory but an id of
16 bytes a row, by which a row that is listed twice is found.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from samesense.bulk.ids import NO_ID, packed, repeated
from samesense.core.storage import write_atomically, write_text_atomically
from samesense.corpus.decode import Rejected
from samesense.corpus.sources.row import Row, printable

TEXTS = ("uri", "domain", "label", "text", "revision", "key", "reason", "detail")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS] + [("start", pa.int64()), ("length", pa.int64())]
)
TWICE = Rejected("duplicate_id", "this uri was listed before in this domain")
CONTENTS = "listing.json"
NUMBER_DIGITS = 8


@dataclass(frozen=True)
class Listing:
    """A corpus as it was listed once, in numbered blocks."""

    folder: Path
    rows: int
    """How many rows were listed."""
    blocks: int
    domains: dict[str, int]
    """How many rows each domain has, those with a fault left out."""

    def read(self, number: int) -> list[Row]:
        """Return the rows of a block."""
        return [_row(record) for record in pq.read_table(_path(self.folder, number)).to_pylist()]


def write_listing(folder: Path, rows: Iterable[Row], *, rows_per_block: int) -> Listing:
    """Write down a corpus, block by block; it counts when all of it is there.

    Raises:
        WriteError: if it cannot be written.
        CorpusError: if the corpus cannot be listed to its end.
    """
    ids, domains = bytearray(), Counter[str]()
    number = count = 0
    for number, block in enumerate(_blocks(rows, rows_per_block)):
        _write(folder, number, block)
        ids += packed(row.id if row.fault is None else NO_ID for row in block)
        domains.update(row.domain for row in block if row.fault is None)
        count += len(block)
    domains.subtract(_mark_repeated(folder, ids, rows_per_block=rows_per_block))
    listing = Listing(folder, count, number + 1 if count else 0, dict(sorted(domains.items())))
    told = {"rows": count, "blocks": listing.blocks, "domains": listing.domains}
    write_text_atomically(folder / CONTENTS, json.dumps(told, indent=2) + "\n")
    return listing


def _mark_repeated(folder: Path, ids: bytearray, *, rows_per_block: int) -> Counter[str]:
    """Give the rows whose id was listed before a fault; return how many each domain has."""
    found = Counter[str]()
    places = repeated(ids)
    numbers, starts = np.unique(places // rows_per_block, return_index=True)
    for number, within in zip(numbers.tolist(), np.split(places, starts[1:]), strict=False):
        block = [_row(record) for record in pq.read_table(_path(folder, number)).to_pylist()]
        for position in (within % rows_per_block).tolist():
            found[block[position].domain] += 1
            block[position] = replace(block[position], fault=TWICE)
        _write(folder, number, block)
    return found


def read_listing(folder: Path) -> Listing | None:
    """Return a listing that was written to its end, or None."""
    path = folder / CONTENTS
    if not path.is_file():
        return None
    return Listing(folder, **json.loads(path.read_text(encoding="utf-8")))


def _blocks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while block := list(islice(iterator, size)):
        yield block


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:0{NUMBER_DIGITS}d}.parquet"


def _write(folder: Path, number: int, rows: Sequence[Row]) -> None:
    table = pa.Table.from_pylist([_record(row) for row in rows], schema=SCHEMA)
    write_atomically(
        _path(folder, number),
        write=lambda temporary: pq.write_table(table, temporary, compression="zstd"),
    )


def _record(row: Row) -> dict[str, str | int | None]:
    start, length = row.span or (None, None)
    return {
        "uri": row.uri,
        "domain": row.domain,
        "label": row.label,
        "text": row.text,
        "revision": row.revision,
        "key": row.key,
        "reason": row.fault.reason if row.fault else None,
        "detail": printable(row.fault.detail) if row.fault else None,
        "start": start,
        "length": length,
    }


def _row(record: dict[str, object]) -> Row:
    reason, detail, start, length = (
        record.pop(name) for name in ("reason", "detail", "start", "length")
    )
    fault = Rejected(str(reason), str(detail)) if reason else None
    span = (int(str(start)), int(str(length))) if start is not None else None
    return Row(**record, fault=fault, span=span)  # type: ignore[arg-type]
