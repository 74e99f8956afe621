"""Stable content hashes: the same on every machine, in every process."""

import hashlib
import json


def hash_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_json(value: object) -> str:
    """Return the SHA-256 of a JSON value, independent of the order of its keys."""
    return hash_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
