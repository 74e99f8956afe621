"""What every request passes before it is read: its size, its key, a line in the log.

Plain ASGI, so that a body over the limit is refused while it arrives.
"""

import json
import logging
import os
import select
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from starlette.middleware.cors import CORSMiddleware

from samesense.serving.errors import ApiError, too_large
from samesense.serving.keys import check_key
from samesense.serving.measure import Measures

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
OPEN_PATHS = ("/", "/docs", "/health", "/v1/health/live", "/v1/health/ready")
OPEN_FOLDER = "/page/"
SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
        b"frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
INTERNAL = ApiError(500, "internal", "something went wrong here; the log tells what")
log = logging.getLogger("ray.serve.requests")
"""Below the one logger that Ray Serve gives a file in each of its processes."""


class _Lines(logging.Handler):
    """Writes lines where there is room for them: nobody waits for whoever reads them."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)}\n".encode()
        for start in range(0, len(line), select.PIPE_BUF):
            # Of what can be written to, this many bytes are taken at once.
            if not select.select((), (self._descriptor,), (), 0)[1]:
                return
            os.write(self._descriptor, line[start : start + select.PIPE_BUF])


def log_requests() -> None:
    """Write a line of JSON for each request to this process' standard error."""
    log.addHandler(_Lines(sys.stderr.fileno()))
    log.setLevel(logging.INFO)
    log.propagate = False


class Guard:
    """An application behind the checks."""

    def __init__(
        self, app: App, *, keys: Sequence[str], body_bytes: int, measures: Measures
    ) -> None:
        """Let through requests with one of these keys and bodies of at most so many bytes."""
        self.app, self.keys, self.body_bytes, self.measures = app, keys, body_bytes, measures

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        started, answered = time.perf_counter(), {"status": 0}

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                message["headers"] = [*message.get("headers", []), *SECURITY_HEADERS]
            await send(message)

        try:
            await self._admit(scope, headers, receive, send_marked)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "(other)")
            self.measures.note(route, status=answered["status"], seconds=seconds)
            line = {
                "request_id": headers.get("x-request-id", ""),
                "method": scope["method"],
                "path": scope["path"],
                "status": answered["status"],
                "ms": round(1000 * seconds, 1),
            }
            log.info(json.dumps(line), extra=line)

    async def _admit(
        self, scope: Message, headers: dict[str, str], receive: Receive, send: Send
    ) -> None:
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.body_bytes:
                raise self._refusal
            return message

        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            path = scope["path"]
            if path not in OPEN_PATHS and not path.startswith(OPEN_FOLDER):
                check_key(headers.get("authorization"), keys=self.keys)
            announced = headers.get("content-length", "")
            if announced.isdigit() and int(announced) > self.body_bytes:
                raise self._refusal
            await self.app(scope, receive_limited, send_noted)
        except Exception as error:
            if begun:
                raise
            if not isinstance(error, ApiError):
                log.exception("a request failed")
            await respond(error if isinstance(error, ApiError) else INTERNAL, send)

    @property
    def _refusal(self) -> ApiError:
        return too_large(f"the body is over {self.body_bytes:,} bytes, which is the limit")


def open_to(origins: Sequence[str], app: App) -> App:
    """Return an application that pages of these web sites may call too (CORS); ``*`` is any site.

    It stands outside of the checks, since browsers ask whether they may without a key.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=[origin.rstrip("/") for origin in origins],
        allow_methods=("GET", "POST"),
        allow_headers=("Authorization", "X-Request-ID"),
        expose_headers=("Retry-After", "X-Request-ID"),
    )


async def respond(refusal: ApiError, send: Send) -> None:
    """Send a refusal."""
    headers = {"content-type": "application/json"} | {
        name.lower(): value for name, value in refusal.headers.items()
    }
    await send(
        {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": json.dumps(refusal.body).encode()})
