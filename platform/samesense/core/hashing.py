"""Stable content hashes: the same on every machine, in every process."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

CHUNK_BYTES = 1 << 20


def hash_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_json(value: object) -> str:
    """Return the SHA-256 of a JSON value, independent of the order of its keys."""
    return hash_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def hash_files(paths: Iterable[Path]) -> str:
    """Return one SHA-256 over the names and contents of files, in the order of their names.

    Raises:
        OSError: if a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
