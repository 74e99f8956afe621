"""The files below a local folder."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from samesense.core.errors import CorpusError
from samesense.corpus.decode import Rejected
from samesense.corpus.sources.file import File

NO_FILE = Rejected("unreadable", "is a pipe, socket or device")


def list_folder(root: Path) -> Iterator[File]:
    """Yield every file below the folder in sorted order.

    Not listed are hidden files and folders, and what lies behind a link to a folder above it.

    Raises:
        CorpusError: if a folder cannot be read.
    """
    try:
        for folder, folders, files in os.walk(root, onerror=_refuse, followlinks=True):
            here = Path(folder)
            folders[:] = sorted(name for name in folders if _is_entered(here / name))
            for name in sorted(files):
                if not name.startswith("."):
                    yield _file(root, here / name)
    except OSError as error:
        _refuse(error)


def revision_of(path: Path) -> str:
    """Return size and time of a file, which change with its content; empty if it is not there."""
    try:
        told = path.stat()
    except OSError:  # the reader will say why
        return ""
    return f"{told.st_size}-{told.st_mtime_ns}"


def _refuse(error: OSError) -> NoReturn:
    raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from None


def _is_entered(folder: Path) -> bool:
    if folder.name.startswith("."):
        return False
    # A link that leads back up would be walked in circles.
    return not (folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()))


def _file(root: Path, path: Path) -> File:
    fault = NO_FILE if _is_special(path) else None
    return File(
        uri=str(path),
        path=path.relative_to(root).as_posix(),
        revision=revision_of(path),
        fault=fault,
    )


def _is_special(path: Path) -> bool:
    """Tell pipes and the like, which one would wait on for ever when reading."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:  # the reader will say why
        return False
