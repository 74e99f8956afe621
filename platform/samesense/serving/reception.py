"""HTTP by the process of a command, in the place of Ray Serve's proxy and a front behind it.

A request is spared two ways from process to process, which cost more than all that is done with its
JSON. What the proxy does for a request is done here: it gets an id, waits for nobody when too many
are under way, and is let go of when its caller hangs up.
"""

import asyncio
import signal
import socket
import uuid

import uvicorn

from samesense.core.errors import ConfigError, Fault
from samesense.serving.errors import BUSY
from samesense.serving.guard import OPEN_PATHS, App, Message, Receive, Send, respond
from samesense.serving.options import HttpOptions

BACKLOG = 512
KEEP_ALIVE_S, DRAIN_S = 90, 30
REQUEST_ID = b"x-request-id"


def listen(http: HttpOptions) -> socket.socket:
    """Take the address that the service listens on.

    Raises:
        ConfigError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    try:
        return socket.create_server((http.host, http.port), family=family, backlog=BACKLOG)
    except OSError as error:
        message = f"{http.host}:{http.port} cannot be listened on: {error.strerror}"
        raise ConfigError(Fault(("http", "port"), message)) from None


def answer(app: App, taken: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM; those under way are answered before it returns."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # The server raises what has ended it once more, for whoever else waits for it.
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
    uvicorn.Server(config).run(sockets=[taken])


class Reception:
    """An application that takes at most so many requests at once."""

    def __init__(self, app: App, *, waiting: int) -> None:
        """Stand before an application."""
        self.app, self.waiting = app, waiting
        self._under_way = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        named, send_named = _named(scope, send)
        if self._under_way >= self.waiting and scope["path"] not in OPEN_PATHS:
            await respond(BUSY, send_named)
            return
        self._under_way += 1
        try:
            await _while_wanted(self.app, named, receive, send_named)
        finally:
            self._under_way -= 1


def _named(scope: Message, send: Send) -> tuple[Message, Send]:
    """Return a request with an id, its caller's or a new one, and what sends it back."""
    given = [value for name, value in scope["headers"] if name == REQUEST_ID]
    mark = (REQUEST_ID, given[0] if given else str(uuid.uuid4()).encode())

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), mark]
        await send(message)

    return {**scope, "headers": [*scope["headers"], *([] if given else [mark])]}, send_named


async def _while_wanted(app: App, scope: Message, receive: Receive, send: Send) -> None:
    """Answer a request, or stop when its caller hangs up."""
    read: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)

    async def hear() -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            await read.put(message)

    answering = asyncio.ensure_future(app(scope, read.get, send))
    hearing = asyncio.ensure_future(hear())
    try:
        await asyncio.wait((answering, hearing), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            await answering
    finally:
        for task in (answering, hearing):
            task.cancel()
        await asyncio.gather(answering, hearing, return_exceptions=True)
