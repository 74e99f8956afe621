"""What became of every row: a file a finished block, written whole or not at all.

A block is finished when its file is there, and not before all that it promises is done. So a job
that was killed goes on with the blocks that have none.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from samesense.core.storage import write_atomically

Fate = Literal["embedded", "unchanged", "rejected"]
FATES: tuple[Fate, ...] = ("embedded", "unchanged", "rejected")
COUNTS = b"samesense.counts"
NUMBER_DIGITS = 8


@dataclass(frozen=True)
class Entry:
    """What became of one row."""

    id: str
    uri: str
    domain: str
    label: str
    fate: Fate
    content_hash: str = ""
    """Of the bytes; empty if they were not read."""
    revision: str = ""
    """What the source said of the content when it was listed."""
    reason: str = ""
    """Why it was rejected, as a stable code."""
    detail: str = ""
    """The same in words."""


SCHEMA = pa.schema([(name, pa.string()) for name in Entry.__dataclass_fields__])


class Ledger:
    """The finished blocks of a job, one file each."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it need not be there."""
        self.folder = folder

    def write(self, number: int, entries: Sequence[Entry]) -> None:
        """Declare a block finished.

        Raises:
            WriteError: if its file cannot be written.
        """
        counts = Counter(entry.fate for entry in entries)
        metadata = {COUNTS: json.dumps(counts).encode()}
        rows = [asdict(entry) for entry in entries]
        table = pa.Table.from_pylist(rows, schema=SCHEMA.with_metadata(metadata))
        write_atomically(
            self._path(number),
            write=lambda temporary: pq.write_table(table, temporary, compression="zstd"),
        )

    def finished(self) -> list[int]:
        """Return the numbers of the finished blocks, sorted."""
        named = (re.fullmatch(r"(\d+)\.parquet", path.name) for path in self.folder.glob("*"))
        return sorted(int(match.group(1)) for match in named if match)

    def forget(self, numbers: Iterable[int]) -> None:
        """Let blocks count as unfinished."""
        for number in numbers:
            self._path(number).unlink(missing_ok=True)

    def read(self, number: int) -> list[Entry]:
        """Return the entries of a finished block, in no order that means anything."""
        return [Entry(**row) for row in pq.read_table(self._path(number)).to_pylist()]

    def counts(self) -> dict[int, dict[str, int]]:
        """Return how many rows of each finished block met which fate; no row is read."""
        found = {}
        for number in self.finished():
            metadata = pq.read_schema(self._path(number)).metadata
            found[number] = dict.fromkeys(FATES, 0) | json.loads(metadata[COUNTS])
        return found

    def columns(self, *names: str) -> Iterator[tuple[int, list[list[str]]]]:
        """Yield for each finished block its number and these columns of its rows."""
        for number in self.finished():
            # What reads data sets takes ten times as long to open a file.
            with pq.ParquetFile(self._path(number)) as file:
                table = file.read(list(names))
            yield number, [table.column(name).to_pylist() for name in names]

    def rejected(self) -> Iterator[Entry]:
        """Yield the rejected rows, block by block."""
        for number, counts in self.counts().items():
            if counts["rejected"]:
                yield from (entry for entry in self.read(number) if entry.fate == "rejected")

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:0{NUMBER_DIGITS}d}.parquet"
