"""Where bytes live: URIs to bytes, and writes that are whole or absent."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlparse

from pyarrow import fs

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


def write_atomically(path: Path, *, write: Callable[[Path], object]) -> None:
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


class Folder:
    """A folder of small files, local or under ``s3://bucket/prefix``; each file is whole or absent.

    S3 takes its credentials, region and endpoint from the usual AWS environment.
    """

    def __init__(self, uri: str) -> None:
        """Name the folder; nothing is made or asked for yet.

        Raises:
            ConfigError: if the URI has a scheme that is not supported, or S3 is not configured.
        """
        self.uri = uri.rstrip("/")
        if urlparse(uri).scheme != "s3":
            self._files: fs.FileSystem = fs.LocalFileSystem()
            self._root = str(local_path(uri))
            return
        try:
            self._files, self._root = fs.FileSystem.from_uri(self.uri)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{uri}: cannot be used: {error}") from None

    def names(self) -> list[str]:
        """Return the files' paths below the folder, sorted.

        Raises:
            OSError: if the folder cannot be listed.
        """
        everything = fs.FileSelector(self._root, recursive=True, allow_not_found=True)
        found = self._files.get_file_info(everything)
        root = PurePosixPath(self._root)
        return sorted(
            str(PurePosixPath(info.path).relative_to(root)) for info in found if info.is_file
        )

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            OSError: if it cannot be read.
        """
        with self._files.open_input_stream(f"{self._root}/{name}") as file:
            data: bytes = file.read()
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a file, in place of one that has its name.

        Raises:
            OSError: if it cannot be written; a file that was there before is unharmed.
        """
        if isinstance(self._files, fs.LocalFileSystem):
            path = Path(self._root) / name
            write_atomically(path, write=lambda temporary: temporary.write_bytes(data))
            return
        with self._files.open_output_stream(f"{self._root}/{name}") as file:
            file.write(data)

    def remove(self, name: str) -> None:
        """Remove a folder below this one and all files in it; one that is absent is no fault.

        Raises:
            OSError: if it cannot be removed.
        """
        path = f"{self._root}/{name}"
        if self._files.get_file_info(path).type == fs.FileType.Directory:
            self._files.delete_dir(path)
