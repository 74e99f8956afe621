"""The images of a data set in its public layout, as a manifest that everything else reads."""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samesense.core.errors import CorpusError
from samesense.core.storage import local_path, write_text_atomically
from samesense.corpus.layouts import PARTS, Layout
from samesense.corpus.objects import is_object
from samesense.corpus.reading import open_text
from samesense.corpus.sources.file import File
from samesense.corpus.sources.listing import list_files
from samesense.corpus.sources.row import row_of

COLUMNS = ("path", "domain", "label", "part")
BOTH = "+"
"""Between the parts of an image that is on two lists: the test lists of PACS repeat the others."""


@dataclass(frozen=True)
class LaidOut:
    """An image at a place of the layout."""

    uri: str
    domain: str
    label: str
    part: str
    """What the data set's own lists say it is for, such as ``train`` or ``train+test``; empty if
    they do not name it."""
    key: str
    """Domain folder, class folder and file, as the lists name it."""


def lay_out(uri: str, *, layout: Layout, lists: Path | None = None) -> list[LaidOut]:
    """Return the images of a folder or prefix, in the order of its listing.

    ``lists`` is the folder with the data set's own lists.

    Raises:
        CorpusError: if no file is at a place of the layout, the layout has no lists, one is
            missing, names a file that is not there, or gives a number to two classes.
    """
    images = [found for file in list_files(uri) if (found := _placed(file, layout)) is not None]
    if not images:
        places = ", ".join(place.pattern for place in layout.places)
        raise CorpusError(f"{uri}: no file is where this layout has images ({places})")
    return images if lists is None else _with_lists(images, layout, lists)


def _placed(file: File, layout: Layout) -> LaidOut | None:
    for place in layout.places:
        named = place.key_pattern.match(file.path)
        if named is not None:
            label = layout.label_of(named.label)
            key = "/".join((named.domain, named.label, file.path.rpartition("/")[2]))
            return LaidOut(file.uri, named.domain, label, place.part, key)
    return None


def _with_lists(images: Sequence[LaidOut], layout: Layout, folder: Path) -> list[LaidOut]:
    if not layout.lists:
        raise CorpusError(f"{folder}: this layout has no lists of its own; leave --lists out")
    label_of = {image.key: image.label for image in images}
    part_of: dict[str, str] = {}
    names: dict[str, str] = {}
    for domain in sorted({image.domain for image in images}):
        for part in (part for part in PARTS if part in layout.lists):
            path = folder / layout.lists[part].format(domain=domain)
            for key, number in _read_list(path):
                _check_listed(key, number, label_of, names, path)
                part_of[key] = BOTH.join(filter(None, (part_of.get(key), part)))
    return [replace(image, part=part_of.get(image.key, "")) for image in images]


def _read_list(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: the list cannot be read: {error}") from None
    rows = []
    for line in filter(str.strip, lines):
        listed, _, number = line.strip().rpartition(" ")
        if not number.isdecimal() or listed.count("/") < 2:
            raise CorpusError(f"{path}: '{line}' is not 'domain/class/file number'")
        rows.append(("/".join(listed.split("/")[-3:]), number))
    return rows


def _check_listed(
    key: str, number: str, label_of: dict[str, str], names: dict[str, str], path: Path
) -> None:
    if key not in label_of:
        raise CorpusError(f"{path}: names {key}, which is not there; is the data set whole?")
    label = label_of[key]
    if names.setdefault(number, label) != label:
        raise CorpusError(
            f"{path}: {key} has the number {number}, which stands for '{names[number]}' elsewhere: "
            "a list is mislabelled"
        )


def write_manifest(images: Sequence[LaidOut], path: Path) -> None:
    """Write the images as a CSV manifest; local ones relative to its folder.

    Raises:
        WriteError: if it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in images:
        place = one.uri if is_object(one.uri) else os.path.relpath(one.uri, path.parent)
        writer.writerow((place, one.domain, one.label, one.part))
    write_text_atomically(path, text.getvalue())


def read_parts(corpus: str) -> dict[str, str]:
    """Return location → part of a manifest that ``write_manifest`` wrote.

    Raises:
        CorpusError: if it cannot be read or says no part.
    """
    path = corpus if is_object(corpus) else str(local_path(corpus))
    try:
        with open_text(path) as file:
            parts = {
                row_of(record, path=path, number=number).uri: record.get(COLUMNS[-1]) or ""
                for number, record in enumerate(csv.DictReader(file))
            }
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{corpus}: cannot be read: {error}") from None
    if not any(parts.values()):
        raise CorpusError(
            f"{corpus}: says no '{COLUMNS[-1]}'; `samesense corpus list --lists` writes a manifest "
            "that does"
        )
    return parts
