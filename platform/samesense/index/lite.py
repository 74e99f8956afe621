"""Milvus Lite: a folder on disk that one process owns.

The owner serves the folder to itself on a loopback port. Stores of one process on one folder share
that server; the last to close hands the folder back. Lite locks with ``flock``, so a process that
dies, however it dies, holds nothing.
"""

import atexit
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samesense.core.errors import StoreError, did_you_mean

CLOSE_GRACE_S = 5
COLLECTIONS = "collections"
"""A subfolder that every local index has."""
UNFINISHED_SCHEMA = "schema.json.tmp"
"""What Lite renames when a collection's schema is on disk; rows come later."""


@dataclass
class Owned:
    """A folder that this process serves, and how many stores use it."""

    server: Any
    database: Any
    address: str
    users: int = 0


_owned: dict[Path, Owned] = {}
_lock = threading.Lock()


def acquire(folder: Path, *, must_exist: bool = False) -> str:
    """Own a folder, or share it with the stores of this process; return its loopback address.

    Raises:
        StoreError: if another process owns the folder, it is not one of Milvus Lite, or it must
            exist and does not.
    """
    folder = folder.resolve()
    with _lock:
        if folder not in _owned:
            _refuse_others(folder, must_exist=must_exist)
            _owned[folder] = _open(folder)
        _owned[folder].users += 1
        return _owned[folder].address


def release(folder: Path) -> None:
    """Undo one ``acquire``; the last one closes the folder, with all rows on disk."""
    folder = folder.resolve()
    with _lock:
        owned = _owned[folder]
        owned.users -= 1
        if not owned.users:
            del _owned[folder]
            _close(owned)


def _refuse_others(folder: Path, *, must_exist: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: is a file; a local index is a folder: choose another path")
    holds_an_index = (folder / COLLECTIONS).is_dir()
    if folder.is_dir() and any(folder.iterdir()) and not holds_an_index:
        raise StoreError(f"{folder}: holds other things than an index: choose another path")
    if must_exist and not holds_an_index:
        near = [path.parent.name for path in folder.parent.glob(f"*/{COLLECTIONS}")]
        raise StoreError(
            f"{folder}: no index is there; `samesense embed` makes one."
            f"{did_you_mean(folder.name, near)}"
        )


def _open(folder: Path) -> Owned:
    from milvus_lite import DataDirLockedError
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    try:
        server, database, port = start_server_in_thread(str(folder), host="127.0.0.1", port=0)
    except DataDirLockedError:
        raise StoreError(_locked(folder)) from None
    except Exception as error:  # Lite raises whatever its storage met
        raise StoreError(f"{folder}: the local index cannot be opened: {error!r}") from error
    _remove_half_created(folder / COLLECTIONS)
    return Owned(server=server, database=database, address=f"http://127.0.0.1:{port}")


def _remove_half_created(collections: Path) -> None:
    """Remove collections whose creator was killed before their schema was written.

    Lite neither lists nor replaces such a folder, so its name could never be used again.
    """
    for folder in collections.iterdir():
        if folder.is_dir() and {path.name for path in folder.iterdir()} <= {UNFINISHED_SCHEMA}:
            shutil.rmtree(folder)


def _close(owned: Owned) -> None:
    owned.server.stop(CLOSE_GRACE_S).wait()
    owned.database.close()


@atexit.register
def _close_all() -> None:
    with _lock:
        while _owned:
            _close(_owned.popitem()[1])


def _locked(folder: Path) -> str:
    return (
        f"{folder}: in use by {_owner(folder / 'LOCK')}; a local index has one owner at a time. "
        "Wait for it, or end it; or let one process serve the folder to many: "
        f"`milvus-lite server --data-dir {folder} --host 127.0.0.1 --port 19530`, with "
        "http://127.0.0.1:19530 as the index"
    )


def _owner(lock: Path) -> str:
    """Name the process that holds a lock, as far as the system tells."""
    try:
        inode = lock.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}") and int(fields[4]) > 0:
                command = Path(f"/proc/{fields[4]}/cmdline").read_bytes().replace(b"\0", b" ")
                shown = " ".join(command.decode(errors="replace").split())[:100]
                return f"process {fields[4]} ({shown})"
    except (OSError, IndexError, ValueError):
        pass
    return "another process"
