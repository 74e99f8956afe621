"""A client of a Milvus, local or served, whose errors speak to a person.

The token of a server (``user:password`` or an API key) comes from the environment and appears in
no message.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from samesense.core.errors import ConfigError, StoreError
from samesense.core.storage import local_path
from samesense.index import lite

CONNECT_TIMEOUT_S = 4
REQUEST_TIMEOUT_S = 120
TOKEN_VARIABLE = "MILVUS_TOKEN"
SERVER_SCHEMES = ("http", "https", "tcp")


@dataclass(frozen=True)
class Connection:
    """An open client, the address as a person may see it, and how to close both ends.

    ``loaded`` are the collections that Milvus was asked to hold in memory.
    """

    client: Any
    shown: str
    close: Callable[[], None]
    loaded: set[str] = field(default_factory=set)

    @contextmanager
    def faults(self, what: str) -> Iterator[None]:
        """Turn Milvus' errors within the block into a StoreError that says what was being done."""
        try:
            yield
        except MilvusException as error:
            message = getattr(error, "message", "") or str(error)
            raise StoreError(f"{self.shown}: {what}: {message}") from error


def connect(uri: str, *, must_exist: bool = False) -> Connection:
    """Open a local folder (a path or ``file://``) or a server (``http(s)://``, ``tcp://``).

    Raises:
        StoreError: within seconds if the server does not answer, the folder has another owner, or
            it must exist and does not.
    """
    # Every error is raised again with its meaning; the library would print each as well.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    if urlsplit(uri).scheme in SERVER_SCHEMES:
        shown = _without_credentials(uri)
        client = _client(uri, shown=shown, token=os.environ.get(TOKEN_VARIABLE, ""))
        return Connection(client=client, shown=shown, close=client.close)
    try:
        folder = local_path(uri)
    except ConfigError as error:
        raise StoreError(f"index {error}, or http:// for a server") from None
    address = lite.acquire(folder, must_exist=must_exist)
    try:
        client = _client(address, shown=str(folder), token="")
    except StoreError:
        lite.release(folder)
        raise

    def close() -> None:
        client.close()
        lite.release(folder)

    return Connection(client=client, shown=str(folder), close=close)


def _client(address: str, *, shown: str, token: str) -> Any:
    try:
        return MilvusClient(address, token=token, timeout=CONNECT_TIMEOUT_S, dedicated=True)
    except Exception as error:  # the library raises its own, grpc's and ValueError here
        reason = str(getattr(error, "message", "") or error)
        if token:
            reason = reason.replace(token, "***")
        raise StoreError(
            f"{shown}: no Milvus answers there: {reason}. Is the server running, is the port "
            f"right, and is {TOKEN_VARIABLE} set if it asks for a token?"
        ) from None


def _without_credentials(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
