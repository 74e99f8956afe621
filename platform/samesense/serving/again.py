"""Requests whose front dies under way go to another one, and Ray's own refusals get our shape.

Ray Serve's proxy gives such a request up. Every request of this service may be made twice, so this
part of the proxy keeps what was sent and makes it again. Where the proxy itself refuses, since too
many wait or nothing is there to answer, it says so in plain words; callers get the JSON that they
get of every other refusal. Ray reads where to find this from
``RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH``, in the environment of its processes.
"""

import asyncio

from starlette.middleware import Middleware

from samesense.serving.errors import BUSY, GONE, ApiError
from samesense.serving.guard import App, Message, Receive, Send, respond

TRIES = 20
WAIT_S, LONGEST_WAIT_S = 0.05, 1.0
"""Between tries: the proxy learns within moments that a front is dead, a new one takes seconds."""
KEPT_BYTES = 64 << 20
"""A longer body is not kept, and its request not made again."""


class AskAgain:
    """An application whose requests are made again that end without any answer."""

    def __init__(self, app: App) -> None:
        """Stand before the proxy's application."""
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = _Request(receive)
        begun, refused = False, False

        async def send_noted(message: Message) -> None:
            nonlocal begun, refused
            begun = True
            if message["type"] == "http.response.start" and (refusal := _refusal_of_ray(message)):
                refused = True
                await respond(refusal, send)
            if not refused:
                await send(message)

        wait_s = WAIT_S
        for _ in range(TRIES):
            await self.app(dict(scope), request.receive, send_noted)
            if begun or request.lost or not request.rewind():
                break
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        if not begun and not request.lost:
            await respond(GONE, send)


def _refusal_of_ray(start: Message) -> ApiError | None:
    """Return what a caller is told in the place of the proxy's own words."""
    headers = {bytes(name).lower(): bytes(value) for name, value in start.get("headers", ())}
    if headers.get(b"content-type", b"").startswith(b"application/json"):
        return None
    return {BUSY.status: BUSY, GONE.status: GONE}.get(start["status"])


class _Request:
    """What a caller sends, kept so that it can be read again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: list[Message] = []
        self._bytes = 0
        self._read = 0
        self.lost = False
        """Whether the caller has gone."""

    async def receive(self) -> Message:
        if self._read < len(self._kept):
            self._read += 1
            return self._kept[self._read - 1]
        message = await self._receive()
        self.lost = self.lost or message["type"] == "http.disconnect"
        self._bytes += len(message.get("body", b""))
        if self._bytes <= KEPT_BYTES and not self.lost:
            self._kept.append(message)
            self._read += 1
        return message

    def rewind(self) -> bool:
        """Begin anew; whether all is still there."""
        self._read = 0
        return self._bytes <= KEPT_BYTES


def middlewares() -> list[Middleware]:
    """Return what Ray Serve's proxy puts before its application."""
    return [Middleware(AskAgain)]
