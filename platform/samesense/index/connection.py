"""A client of a Milvus, local or served, whose errors speak to a person.

The token of a server (``user:password`` or an API key) comes from the environment and appears in
no message.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import grpc
import scipy.sparse  # noqa: F401  (pymilvus would at the first search; several at once break it)
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException
from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)
from tenacity.retry import retry_base

from samesense.core.errors import ConfigError, StoreError
from samesense.core.storage import local_path
from samesense.index import lite

T = TypeVar("T")
CONNECT_TIMEOUT_S = 4
REQUEST_TIMEOUT_S = 120
KEEPALIVE_MS = 310_000
PATIENCE_S = 30.0
LONGEST_WAIT_S = 5.0
PASSING = (
    "not loaded",
    "not fully loaded",
    "not available",
    "not healthy",
    "not ready",
    "not found leader",
    "no available",
    "channel not",
    "node offline",
    "unavailable",
    "retry timeout",
    "retry run out",
    "fail to search on all shard leaders",
    "fail to query on all shard leaders",
    "failed to search: ",
    "failed to query: ",
    "context canceled",
    "connection refused",
    "deadline exceeded",
    "rate limit",
)
"""What a server says while it starts, recovers or has too much to do; it goes by."""
TOKEN_VARIABLE = "MILVUS_TOKEN"
SERVER_SCHEMES = ("http", "https", "tcp")


@dataclass(frozen=True)
class Connection:
    """An open client, the address as a person may see it, and how to close both ends.

    ``address`` is where other processes of this machine reach the same Milvus. ``loaded`` are the
    collections that Milvus was asked to hold in memory.
    """

    client: Any
    shown: str
    address: str
    close: Callable[[], None]
    patience_s: float = PATIENCE_S
    """How long to ask again when the server is starting, recovering or overloaded."""
    loaded: set[str] = field(default_factory=set)

    def ask(self, what: str, call: Callable[[], T]) -> T:
        """Make a request that may be made twice, again and again while its failure may go by.

        Raises:
            StoreError: that says what was being done, when patience is at its end.
        """
        attempts = _attempts(self.patience_s, retry=retry_if_exception(_is_passing))
        with self.faults(what):
            return attempts(call)

    @contextmanager
    def faults(self, what: str) -> Iterator[None]:
        """Turn Milvus' errors within the block into a StoreError that says what was being done."""
        try:
            yield
        except (MilvusException, grpc.RpcError) as error:
            raise StoreError(f"{self.shown}: {what}: {_said(error)}") from error


def is_server(uri: str) -> bool:
    """Return whether an address is that of a Milvus server, not of a local folder."""
    scheme, mark, _ = uri.partition("://")
    return bool(mark) and scheme.lower() in SERVER_SCHEMES


def without_credentials(uri: str) -> str:
    """Return an address as it may be shown: without a user's name and password."""
    scheme, mark, rest = uri.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}" if is_server(uri) else uri


def connect(
    uri: str,
    *,
    must_exist: bool = False,
    patience_s: float = PATIENCE_S,
    start_patience_s: float = 0.0,
) -> Connection:
    """Open a local folder (a path or ``file://``) or a server (``http(s)://``, ``tcp://``).

    Raises:
        StoreError: if the server does not answer for ``start_patience_s`` and some seconds, the
            folder has another owner, or it must exist and does not.
    """
    # Every error is raised again with its meaning; the library would print each as well.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    if is_server(uri):
        shown = without_credentials(uri)
        _refuse_what_is_no_address(uri, shown=shown)
        attempts = _attempts(start_patience_s, retry=retry_if_exception_type(StoreError))
        token = os.environ.get(TOKEN_VARIABLE, "")
        client = attempts(lambda: _client(uri, shown=shown, token=token))
        return Connection(client, shown, uri, close=client.close, patience_s=patience_s)
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

    return Connection(client, str(folder), address, close=close, patience_s=patience_s)


def _attempts(patience_s: float, *, retry: retry_base) -> Retrying:
    return Retrying(
        stop=stop_after_delay(patience_s),
        wait=wait_random_exponential(multiplier=0.2, max=LONGEST_WAIT_S),
        retry=retry,
        reraise=True,
    )


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, grpc.RpcError):
        return True
    if not isinstance(error, MilvusException):
        return False
    message = _said(error).lower()
    return bool(getattr(error, "_retriable", False)) or any(words in message for words in PASSING)


def _said(error: BaseException) -> str:
    return str(getattr(error, "message", "") or error)


def _client(address: str, *, shown: str, token: str) -> Any:
    try:
        return MilvusClient(
            address,
            token=token,
            timeout=CONNECT_TIMEOUT_S,
            dedicated=True,
            # The library's ten seconds are more than a server of gRPC's own settings bears.
            grpc_options={"grpc.keepalive_time_ms": KEEPALIVE_MS},
        )
    except Exception as error:  # the library raises its own, grpc's and ValueError here
        reason = _said(error)
        if token:
            reason = reason.replace(token, "***")
        raise StoreError(
            f"{shown}: no Milvus answers there: {reason}. Is the server running, is the port "
            f"right, and is {TOKEN_VARIABLE} set if it asks for a token?"
        ) from None


def _refuse_what_is_no_address(uri: str, *, shown: str) -> None:
    """Refuse what cannot be taken apart; why not would tell parts of a password."""
    try:
        _ = urlsplit(uri).port
    except ValueError:
        raise StoreError(
            f"{shown}: is no address of a server: write http://HOST:PORT, with user and password "
            f"in {TOKEN_VARIABLE}"
        ) from None
