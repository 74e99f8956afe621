"""A folder ``domain/class/file``."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from samesense.core.errors import CorpusError
from samesense.corpus.decode import Rejected
from samesense.corpus.sources.row import Row

DEPTH = 3
WRONG_DEPTH = Rejected("wrong_depth", "is not at domain/class/file")
NO_FILE = Rejected("unreadable", "is a pipe, socket or device")


def list_folder(root: Path) -> Iterator[Row]:
    """Yield every file below the folder in sorted order.

    Not listed are hidden files and folders, and what lies behind a link to a folder above it.
    A file at another depth than ``domain/class/file`` is listed with the fault ``wrong_depth``.

    Raises:
        CorpusError: if a folder cannot be read.
    """
    try:
        for folder, folders, files in os.walk(root, onerror=_refuse, followlinks=True):
            here = Path(folder)
            folders[:] = sorted(name for name in folders if _is_entered(here / name))
            for name in sorted(files):
                if not name.startswith("."):
                    yield _row(root, here / name)
    except OSError as error:
        _refuse(error)


def lists(root: Path, *, uri: str, domain: str) -> bool:
    """Tell whether a file is at ``domain/class/file`` below the folder, be it there or gone."""
    path = Path(uri)
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
    return len(parts) == DEPTH and parts[0] == domain


def _refuse(error: OSError) -> NoReturn:
    raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from None


def _is_entered(folder: Path) -> bool:
    if folder.name.startswith("."):
        return False
    # A link that leads back up would be walked in circles.
    return not (folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()))


def _row(root: Path, path: Path) -> Row:
    parts = path.relative_to(root).parts
    if len(parts) != DEPTH:
        return Row(uri=str(path), domain="", label="", fault=WRONG_DEPTH)
    fault = NO_FILE if _is_special(path) else None
    return Row(uri=str(path), domain=parts[0], label=parts[1], fault=fault)


def _is_special(path: Path) -> bool:
    """Tell pipes and the like, which one would wait on for ever when reading."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:  # the reader will say why
        return False
