"""A folder ``domain/class/file``."""

import os
from collections.abc import Iterator
from pathlib import Path

from samesense.core.errors import CorpusError
from samesense.corpus.sources.row import Row

DEPTH = 3


def list_folder(root: Path) -> Iterator[Row]:
    """Yield every file below the folder in sorted order; hidden files and folders are not listed.

    A file at another depth than ``domain/class/file`` is listed with the fault ``wrong_depth``.

    Raises:
        CorpusError: if the folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}")

    for folder, folders, files in os.walk(root, onerror=refuse, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield _row(root, Path(folder) / name)


def _row(root: Path, path: Path) -> Row:
    parts = path.relative_to(root).parts
    if len(parts) != DEPTH:
        return Row(uri=str(path), domain="", label="", fault="wrong_depth")
    return Row(uri=str(path), domain=parts[0], label=parts[1])
