"""A split as a file that can be shared: what each image is for, checked wherever it is read.

One JSON object, an image a line, so that people can read it and compare two of them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from samesense.core.errors import CorpusError
from samesense.core.options import Options
from samesense.core.storage import local_path, write_text_atomically
from samesense.corpus.manifest import Manifest
from samesense.corpus.objects import is_object
from samesense.corpus.sources.listing import SINGLE
from samesense.corpus.split_checks import check_split

SPLIT_FILE = "split.json"
"""Where a run keeps the shared split that it was trained on."""
Rule = Literal["clean", "official", "lists"]


class Head(Options):
    """What a split holds out, and how it was made."""

    format: Literal["samesense-split-1"] = "samesense-split-1"
    """What this file is."""
    rule: Rule
    """``clean``: by hashes of the contents. ``official``: as the reference code of UCDR draws it,
    with its flaws. ``lists``: as the data set's own lists say."""
    held_out: tuple[str, ...]
    """Domains that are held out, maybe none."""
    held_out_classes: tuple[str, ...] = ()
    """Classes that are held out, maybe none."""
    made: dict[str, str | int | float]
    """What else decided it, such as the seed; for people."""


@dataclass(frozen=True)
class Listed:
    """One image of a split."""

    path: str
    """Relative to the corpus; what lies elsewhere keeps its whole location."""
    domain: str
    label: str
    split: str
    content_hash: str


LISTED = TypeAdapter(list[Listed])


@dataclass(frozen=True)
class SplitFile:
    """A split that others can use and check."""

    head: Head
    images: Sequence[Listed]

    @classmethod
    def of(cls, split: Manifest, *, corpus: str, head: Head) -> "SplitFile":
        """Return what is to be shared of a manifest with splits.

        Raises:
            CorpusError: if the split is not sound; see ``check_split``.
        """
        columns = (split.column(name) for name in ("domain", "label", "split", "content_hash"))
        paths = paths_in(corpus, split.column("uri").tolist())
        rows = sorted(zip(paths, *columns, strict=True))
        found = cls(head, [Listed(*row) for row in rows])
        found.check(corpus)
        return found

    @classmethod
    def read(cls, path: Path) -> "SplitFile":
        """Read what ``write`` wrote, and check it.

        Raises:
            CorpusError: if it cannot be read or is not sound; see ``check_split``.
        """
        try:
            told = json.loads(path.read_bytes())
            images = LISTED.validate_python(told.pop("images"))
            found = cls(Head.model_validate(told), images)
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            why = _first(error) if isinstance(error, ValidationError) else error
            raise CorpusError(
                f"{path}: cannot be read as a split ({why}); `samesense corpus split` makes one"
            ) from None
        found.check(str(path))
        return found

    def manifest(self, corpus: str) -> Manifest:
        """Return the images with their locations in a corpus, nothing of them read yet."""
        root = _root(corpus)
        return Manifest.from_rows([_row(o, uri=_joined(root, o.path)) for o in self.images])

    def check(self, where: str) -> None:
        """Check that the split is sound.

        Raises:
            CorpusError: saying what is wrong; see ``check_split``.
        """
        check_split(
            Manifest.from_rows([_row(one, uri=one.path) for one in self.images]),
            held_out=self.head.held_out,
            held_out_classes=self.head.held_out_classes,
            published=self.head.rule == "official",
            where=where,
        )

    def write(self, path: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            WriteError: if it cannot be written.
        """
        head = json.dumps(self.head.model_dump(mode="json"), indent=1)[:-2]
        lines = ",\n".join(json.dumps(asdict(one), ensure_ascii=False) for one in self.images)
        write_text_atomically(path, f'{head},\n "images": [\n{lines}\n]}}\n')

    def apply(self, manifest: Manifest, *, corpus: str) -> Manifest:
        """Return a corpus with this split; images that it does not name are ``unused``.

        Raises:
            CorpusError: if it names an image that is not there, or whose domain, label or content
                is another.
        """
        names = ("domain", "label", "content_hash")
        columns = (manifest.column(name).tolist() for name in names)
        paths = paths_in(corpus, manifest.column("uri").tolist())
        there = list(zip(paths, zip(*columns, strict=True), strict=True))
        listed = {one.path: one for one in self.images}
        if lacking := sorted(listed.keys() - {path for path, _ in there}):
            raise CorpusError(
                f"{corpus}: the split names {len(lacking)} images that are not there or cannot be "
                f"read, such as {lacking[0]}; give the corpus that it was made of"
            )
        for path, told in there:
            if path in listed:
                _compare(listed[path], told, corpus=corpus)
        return manifest.with_split(
            [listed[path].split if path in listed else "unused" for path, _ in there]
        )


def paths_in(corpus: str, uris: Sequence[str]) -> list[str]:
    """Return where images lie relative to their corpus, a folder, shard or manifest."""
    start = f"{_root(corpus)}/"
    whole = (u if is_object(u) or u.startswith("/") else str(Path(u).absolute()) for u in uris)
    return [uri.removeprefix(start) for uri in whole]


def _row(one: Listed, *, uri: str) -> dict[str, str]:
    row = asdict(one) | {"uri": uri}
    del row["path"]
    return row


def _root(corpus: str) -> str:
    root = corpus.rstrip("/") if is_object(corpus) else str(local_path(corpus).absolute())
    is_file = PurePosixPath(root).suffix.lower() in SINGLE
    return root.rpartition("/")[0] if is_file else root


def _joined(root: str, path: str) -> str:
    return path if is_object(path) or path.startswith("/") else f"{root}/{path}"


def _compare(one: Listed, told: Sequence[str], *, corpus: str) -> None:
    mine = {"domain": one.domain, "label": one.label, "content_hash": one.content_hash}
    for (name, value), theirs in zip(mine.items(), told, strict=True):
        if value != theirs:
            raise CorpusError(
                f"{corpus}: {one.path} has the {name} '{theirs}' here and '{value}' in the split: "
                "it was made of other data"
            )


def _first(error: ValidationError) -> str:
    what = error.errors()[0]
    return f"{'.'.join(map(str, what['loc']))}: {what['msg']}"
