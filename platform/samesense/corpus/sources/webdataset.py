"""A tar shard in WebDataset's layout: files of one name but for their suffix are one sample."""

import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from samesense.core.errors import CorpusError
from samesense.corpus.reading import TAR, open_file
from samesense.corpus.sources.file import File, image_row
from samesense.corpus.sources.pattern import KeyPattern
from samesense.corpus.sources.row import Row

IMAGES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "ppm", "img"})
JSON, CLASS, TEXTS = "json", "cls", ("txt", "text", "caption")
MOST_BYTES_OF_A_NOTE = 1 << 20


def list_tar(shard: File, pattern: KeyPattern) -> Iterator[Row]:
    """Yield the images of a shard in their order.

    Domain, label and text stand in a sample's JSON; the label also in its ``.cls``, a text in its
    ``.txt``. What is not there is told by the pattern, for which the shard is a folder.

    Raises:
        CorpusError: if the shard cannot be read to its end.
    """
    try:
        with open_file(shard.uri) as file, tarfile.open(fileobj=file) as archive:
            members = (member for member in archive if member.isfile())
            for _, sample in groupby(members, key=lambda member: _stem(member.name)):
                yield from _sample(shard, pattern, archive, sample)
            _refuse_rest(archive)
    except (OSError, tarfile.TarError) as error:
        raise CorpusError(f"{shard.uri}: cannot be read as a tar archive: {error}") from None


def _refuse_rest(archive: tarfile.TarFile) -> None:
    """Refuse an archive with a damaged header in the middle, where tarfile just ends."""
    file: Any = archive.fileobj
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"the header at byte {archive.offset} is damaged")


def _stem(name: str) -> str:
    """WebDataset's key: the path up to the first dot of the file's name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.split(".")[0]


def _sample(
    shard: File, pattern: KeyPattern, archive: tarfile.TarFile, members: Iterable[tarfile.TarInfo]
) -> Iterator[Row]:
    images: list[tarfile.TarInfo] = []
    notes: dict[str, Any] = {}
    for member in members:
        suffix = PurePosixPath(member.name).suffix.lower().lstrip(".")
        if suffix in IMAGES:
            images.append(member)
        elif suffix in (JSON, CLASS, *TEXTS) and member.size <= MOST_BYTES_OF_A_NOTE:
            notes |= _note(suffix, archive, member)
    for member in images:
        path = f"{shard.path.removesuffix(TAR)}/{member.name}"
        uri, span = f"{shard.uri}#{member.name}", (member.offset_data, member.size)
        row = image_row(replace(shard, uri=uri, path=path), pattern)
        told = {name: notes[name] for name in ("domain", "label", "text") if notes.get(name)}
        whole = bool(told.get("domain", row.domain) and told.get("label", row.label))
        fault = None if whole else row.fault
        yield replace(row, **told, span=span, fault=fault, revision=shard.revision)


def _note(suffix: str, archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any]:
    opened = archive.extractfile(member)
    text = (opened.read() if opened else b"").decode("utf-8", "replace").strip()
    if suffix == CLASS:
        return {"label": text}
    if suffix in TEXTS:
        return {"text": text}
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: str(value) for name, value in told.items() if isinstance(value, str | int)}
