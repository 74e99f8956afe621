"""What a request passes before the application where no proxy of Ray stands before it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from samesense.core.errors import ConfigError
from samesense.serving.guard import Message, Receive, Send
from samesense.serving.options import HttpOptions
from samesense.serving.reception import Reception, listen

Application = Callable[[Message, Receive, Send], Awaitable[None]]


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": scope["headers"]})
    await send({"type": "http.response.body", "body": body})


class Caller:
    """Sends a body, hears the answer, and hangs up when told to."""

    def __init__(self, *, path: str = "/v1/search", headers: tuple[Any, ...] = ()) -> None:
        self.scope = {"type": "http", "path": path, "headers": list(headers)}
        self.heard: list[Message] = []
        self.hung_up = asyncio.Event()
        self._sent = False

    async def receive(self) -> Message:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": b"words", "more_body": False}
        await self.hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)

    async def ask(self, app: Application) -> None:
        await app(self.scope, self.receive, self.send)

    def header(self, name: bytes) -> bytes | None:
        return dict(self.heard[0]["headers"]).get(name)


def test_a_request_has_an_id_and_its_answer_tells_it() -> None:
    async def main() -> None:
        named, nameless = Caller(headers=((b"x-request-id", b"mine"),)), Caller()
        for caller in (named, nameless):
            await caller.ask(Reception(echo))
            assert caller.heard[1]["body"] == b"words"
        assert named.header(b"x-request-id") == b"mine"
        made = nameless.header(b"x-request-id")
        assert made is not None
        assert len(made) == 36

    asyncio.run(main())


@pytest.mark.parametrize("given", [(b"",), (b"x" * 129,), (b"a b",), (b"one", b"two")])
def test_an_id_that_is_none_is_replaced(given: tuple[bytes, ...]) -> None:
    caller = Caller(headers=tuple((b"x-request-id", value) for value in given))
    asyncio.run(caller.ask(Reception(echo)))
    ids = [value for name, value in caller.heard[0]["headers"] if name == b"x-request-id"]
    assert len(set(ids)) == 1
    assert len(ids[0]) == 36


def test_a_caller_that_hangs_up_is_not_worked_for() -> None:
    async def main() -> None:
        stopped = asyncio.Event()

        async def endless(scope: Message, receive: Receive, send: Send) -> None:
            try:
                await receive()
                await asyncio.Event().wait()
            finally:
                stopped.set()

        caller, reception = Caller(), Reception(endless)
        asking = asyncio.create_task(caller.ask(reception))
        await asyncio.sleep(0.01)
        assert not stopped.is_set()
        caller.hung_up.set()
        await asyncio.wait_for(asking, 5)
        assert stopped.is_set()
        assert caller.heard == []

    asyncio.run(main())


def test_what_the_application_raises_comes_out() -> None:
    async def broken(scope: Message, receive: Receive, send: Send) -> None:
        raise ValueError("broken")

    async def main() -> None:
        with pytest.raises(ValueError, match="broken"):
            await Caller().ask(Reception(broken))

    asyncio.run(main())


def test_an_address_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port} cannot be listened on"):
            listen(HttpOptions(port=port))
