"""What every source lists, and how a record of a manifest becomes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samesense.core.errors import CorpusError, did_you_mean
from samesense.corpus.decode import Rejected

LOCATIONS = ("uri", "path")
"""Columns that say where an image is; the first that is there counts."""
REQUIRED = ("domain", "label")
OPTIONAL = ("text",)
COLUMNS = (*LOCATIONS, *REQUIRED, *OPTIONAL)


@dataclass(frozen=True)
class Row:
    """One listed image, not yet read."""

    uri: str
    domain: str
    label: str
    text: str | None = None
    fault: Rejected | None = None
    """Why the row is rejected without reading the image."""


def check_columns(names: Iterable[str], *, path: Path) -> None:
    """Refuse a manifest in which no row could be complete.

    Raises:
        CorpusError: naming the missing column and the nearest that is there.
    """
    known = list(names)
    missing = [name for name in REQUIRED if name not in known]
    if not any(name in known for name in LOCATIONS):
        missing.insert(0, LOCATIONS[0])
    if missing:
        hint = did_you_mean(missing[0], known)
        raise CorpusError(f"{path}: has no column '{missing[0]}' (has: {', '.join(known)}).{hint}")


def row_of(record: Mapping[str, Any], *, path: Path, number: int) -> Row:
    """Return a manifest's record as a row; a relative location starts at the manifest's folder.

    A record that lacks a value is listed with the fault ``incomplete_row``.
    """
    uri = next((found for name in LOCATIONS if (found := _text(record.get(name)))), "")
    domain, label, text = (_text(record.get(name)) for name in (*REQUIRED, *OPTIONAL))
    values = {LOCATIONS[0]: uri, REQUIRED[0]: domain, REQUIRED[1]: label}
    located = uri if not uri or "://" in uri else str((path.parent / uri).absolute())
    lacking = [name for name, value in values.items() if not value]
    if lacking:
        hint = did_you_mean(lacking[0], [name for name in record if name not in COLUMNS])
        detail = f"{path}, row {number}: lacks {', '.join(lacking)}.{hint}"
        return Row(located or str(path), domain, label, fault=Rejected("incomplete_row", detail))
    return Row(located, domain, label, text=text or None)


def bad_row(detail: str, *, path: Path, number: int) -> Row:
    """Return a row that holds nothing but why it could not be understood."""
    fault = Rejected("bad_row", f"{path}, row {number}: {detail}")
    return Row(uri=str(path), domain="", label="", fault=fault)


def _text(value: Any) -> str:
    """Return a word or a whole number as text; anything else is no value."""
    return str(value) if isinstance(value, str | int) else ""
