"""What every source lists, and how a record of a manifest becomes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from samesense.core.errors import CorpusError, did_you_mean
from samesense.corpus.decode import Rejected
from samesense.corpus.manifest import item_id
from samesense.corpus.objects import is_object

LOCATIONS = ("uri", "path")
"""Columns that say where an image is; the first that is there counts."""
REQUIRED = ("domain", "label")
OPTIONAL = ("text", "revision")
NOT_UNICODE = Rejected("not_unicode", "a name or text holds what is not Unicode; rename it")
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
    revision: str = ""
    """What changes with the image's content and is known without reading it: an ETag, or size and
    time, or what a manifest says. Empty if there is no such thing."""
    key: str = ""
    """What names the image in its domain in place of its URI."""
    span: tuple[int, int] | None = None
    """Start and length of the image within the archive that holds it."""

    @property
    def id(self) -> str:
        """The stable key of the item, as ``item_id`` gives it."""
        return item_id(domain=self.domain, uri=self.key or self.uri)


def check_columns(names: Iterable[str], *, path: str | Path) -> None:
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


def row_of(record: Mapping[str, Any], *, path: str | Path, number: int) -> Row:
    """Return a manifest's record as a row; a relative location starts at the manifest's folder.

    A record that lacks a value is listed with the fault ``incomplete_row``.
    """
    uri = next((found for name in LOCATIONS if (found := _text(record.get(name)))), "")
    domain, label, text, revision = (_text(record.get(name)) for name in (*REQUIRED, *OPTIONAL))
    values = {LOCATIONS[0]: uri, REQUIRED[0]: domain, REQUIRED[1]: label}
    located = uri if not uri or "://" in uri else _beside(path, uri)
    lacking = [name for name, value in values.items() if not value]
    if lacking:
        hint = did_you_mean(lacking[0], [name for name in record if name not in COLUMNS])
        detail = f"{path}, row {number}: lacks {', '.join(lacking)}.{hint}"
        return Row(located or str(path), domain, label, fault=Rejected("incomplete_row", detail))
    return Row(located, domain, label, text=text or None, revision=revision)


def _beside(path: str | Path, uri: str) -> str:
    if is_object(str(path)):
        return f"{str(path).rpartition('/')[0]}/{uri}"
    return str((Path(path).parent / uri).absolute())


def bad_row(detail: str, *, path: str | Path, number: int) -> Row:
    """Return a row that holds nothing but why it could not be understood."""
    fault = Rejected("bad_row", f"{path}, row {number}: {detail}")
    return Row(uri=str(path), domain="", label="", fault=fault)


def _text(value: Any) -> str:
    """Return a word or a whole number as text; anything else is no value."""
    return str(value) if isinstance(value, str | int) else ""


def legible(row: Row) -> Row:
    """Return a row that any table can hold: one with names that are no text gets a fault."""
    told = replace(
        row,
        uri=printable(row.uri),
        domain=printable(row.domain),
        label=printable(row.label),
        text=None if row.text is None else printable(row.text),
        revision=printable(row.revision),
        key=printable(row.key),
    )
    return told if told == row else replace(told, fault=row.fault or NOT_UNICODE)


def printable(text: str) -> str:
    """Return text as any table can hold it; file names may be bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
