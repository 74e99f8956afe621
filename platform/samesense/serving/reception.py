"""HTTP by the process of a command, in the place of Ray Serve's proxy and a front behind it.

A request is spared two ways from process to process, which cost more than all that is done with its
JSON. What the proxy does for a request is done here: it gets an id, and is let go of when its
caller hangs up.
"""

import asyncio
import re
import signal
import socket
import uuid

import uvicorn

from samesense.core.errors import ConfigError, Fault
from samesense.serving.guard import App, Message, Receive, Send
from samesense.serving.options import DRAIN_S, HttpOptions

KEEP_ALIVE_S = 90
REQUEST_ID = b"x-request-id"
PLAIN_ID = re.compile(rb"[!-~]{1,128}")


def listen(http: HttpOptions) -> socket.socket:
    """Take the address that the service listens on.

    Raises:
        ConfigError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    try:
        return socket.create_server((http.host, http.port), family=family)
    except OSError as error:
        message = f"{http.host}:{http.port} cannot be listened on: {error.strerror}"
        raise ConfigError(Fault(("http", "port"), message)) from None


def answer(app: App, taken: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM; those under way have half a minute to end."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        # From now on, and when the server raises once more what has ended it.
        signal.signal(number, server.handle_exit)
    server.run(sockets=[taken])


class Reception:
    """An application whose requests have ids, and end when their callers hang up."""

    def __init__(self, app: App) -> None:
        """Stand before an application."""
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await _while_wanted(self.app, *_named(scope, receive, send))


def _named(scope: Message, receive: Receive, send: Send) -> tuple[Message, Receive, Send]:
    """Return a request with an id, its caller's or a new one, and what sends it back."""
    others = [(name, value) for name, value in scope["headers"] if name != REQUEST_ID]
    given = [value for name, value in scope["headers"] if name == REQUEST_ID]
    plain = len(given) == 1 and PLAIN_ID.fullmatch(given[0])
    mark = (REQUEST_ID, given[0] if plain else str(uuid.uuid4()).encode())

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), mark]
        await send(message)

    return {**scope, "headers": [*others, mark]}, receive, send_named


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
