"""Where bytes live: URIs to bytes, and writes that are whole or absent."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

from samesense.core.errors import ConfigError, WriteError


def local_path(uri: str) -> Path:
    """Return the absolute local path that a plain path or a ``file://`` URI names.

    Raises:
        ConfigError: if the URI has a scheme that is not supported.
    """
    parsed = urlparse(uri)
    if parsed.scheme == "file":
        return Path(unquote(parsed.path)).absolute()
    if parsed.scheme and "://" in uri:
        raise ConfigError(f"{uri}: scheme '{parsed.scheme}' is not supported; use a local path")
    return Path(uri).expanduser().absolute()


def read_bytes(uri: str, *, at_most_bytes: int = -1) -> bytes:
    """Return the bytes behind a path or URI, or the first ``at_most_bytes`` of them.

    Raises:
        OSError: if they cannot be read.
        ConfigError: if the scheme is not supported.
    """
    with local_path(uri).open("rb") as file:
        return file.read(at_most_bytes)


def write_atomically(path: Path, *, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then move it into place.

    A reader sees the old file or the new one, never a part; so does a process that is killed.

    Raises:
        WriteError: which is an OSError too, if the file cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    write_atomically(path, write=write)
