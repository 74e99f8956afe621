"""The manifest: one row an image, with its domain, concept and content hash.

Shapes: N rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from samesense.core.errors import CorpusError, did_you_mean
from samesense.core.hashing import hash_bytes, hash_json
from samesense.core.storage import write_atomically

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("uri", pa.string()),
        ("domain", pa.string()),
        ("label", pa.string()),
        ("text", pa.string()),
        ("content_hash", pa.string()),
        ("size_bytes", pa.int64()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("split", pa.string()),
    ]
)
ID_HEX_DIGITS = 32


def item_id(*, domain: str, uri: str) -> str:
    """Return the stable key of an item: a hash of its domain and URI."""
    return hash_bytes(f"{domain}\0{uri}".encode())[:ID_HEX_DIGITS]


@dataclass(frozen=True)
class Manifest:
    """An immutable table of items; see ``SCHEMA`` for its columns."""

    table: pa.Table

    @classmethod
    def from_rows(cls, rows: Sequence[dict[str, Any]]) -> "Manifest":
        """Build a manifest from one mapping a row; absent columns are null."""
        return cls(pa.Table.from_pylist(list(rows), schema=SCHEMA))

    @classmethod
    def read(cls, path: Path | str) -> "Manifest":
        """Read a manifest that ``write`` made.

        Raises:
            CorpusError: if it cannot be read or is no manifest.
        """
        try:
            table = pq.read_table(path)
            if missing := sorted(set(SCHEMA.names) - set(table.column_names)):
                raise CorpusError(
                    f"{path}: lacks {', '.join(missing)}; `samesense corpus scan` makes a manifest"
                )
            return cls(table.select(SCHEMA.names).cast(SCHEMA))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise CorpusError(f"{path}: cannot be read as a manifest: {error}") from None

    def write(self, path: Path | str) -> None:
        """Write the manifest as Parquet, whole or not at all."""
        write_atomically(Path(path), write=lambda temporary: pq.write_table(self.table, temporary))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def hash(self) -> str:
        """Hash of what the manifest says, whatever the order of its rows."""
        names = ("id", "label", "text", "content_hash", "split")
        columns = (self.column(name).tolist() for name in names)
        return hash_json(sorted(zip(*columns, strict=True), key=repr))

    @property
    def domains(self) -> list[str]:
        """The domains, sorted."""
        return sorted(set(self.column("domain")))

    @property
    def labels(self) -> list[str]:
        """The concepts, sorted."""
        return sorted(set(self.column("label")))

    def column(self, name: str) -> NDArray[np.object_]:
        """Return one column (N,) as Python values."""
        return np.array(self.table.column(name).to_pylist(), dtype=object)

    def where(self, mask_N: NDArray[np.bool_]) -> "Manifest":
        """Return the rows where the mask is true."""
        return Manifest(self.table.filter(pa.array(mask_N, type=pa.bool_())))

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> "Manifest":
        """Return the rows at these indices, in their order."""
        return Manifest(self.table.take(pa.array(np.asarray(indices, dtype=np.int64))))

    def of(
        self,
        *,
        domains: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
        splits: Sequence[str] | None = None,
    ) -> "Manifest":
        """Return the rows of these domains, concepts and splits; ``None`` means all.

        Raises:
            CorpusError: if a name does not occur, with the nearest that does.
        """
        mask_N = np.ones(len(self), dtype=bool)
        for name, wanted in (("domain", domains), ("label", labels), ("split", splits)):
            if wanted is None:
                continue
            column = self.column(name)
            known = sorted({value for value in column if value is not None})
            for value in wanted:
                if value not in known:
                    hint = did_you_mean(value, known)
                    has = ", ".join(known) or "none"
                    raise CorpusError(f"no {name} '{value}' (has: {has}).{hint}")
            mask_N &= np.array([value in wanted for value in column], dtype=bool)
        return self.where(mask_N)

    def with_split(self, split_N: Sequence[str]) -> "Manifest":
        """Return the same rows with this split for each."""
        return self._with("split", split_N)

    def with_text(self, text_N: Sequence[str]) -> "Manifest":
        """Return the same rows with this text for each."""
        return self._with("text", text_N)

    def _with(self, name: str, values_N: Sequence[str]) -> "Manifest":
        position = SCHEMA.get_field_index(name)
        column = pa.array(values_N, pa.string())
        return Manifest(self.table.set_column(position, SCHEMA.field(name), column))
