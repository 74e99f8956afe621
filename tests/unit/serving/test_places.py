"""At most so many requests are under way at once."""

import asyncio
from typing import Any

import pytest

from samesense.serving.errors import ApiError
from samesense.serving.guard import Message, Receive, Send
from samesense.serving.places import Places


async def answer(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    await send({"type": "http.response.body", "body": b"whole"})


class Caller:
    """Asks for a path, and may ask again at once when it has the whole answer."""

    def __init__(self, app: Places, *, path: str = "/v1/search", again: int = 0) -> None:
        self.app, self.path, self.again = app, path, again
        self.answers = 0

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(self, message: Message) -> None:
        if message.get("body") == b"whole":
            self.answers += 1
            if self.again:
                self.again -= 1
                await self.ask()

    async def ask(self) -> None:
        await self.app({"type": "http", "path": self.path}, self.receive, self.send)


def test_one_more_is_told_to_come_back_and_who_watches_is_not() -> None:
    async def main() -> None:
        go_on = asyncio.Event()

        async def slow(scope: Message, receive: Receive, send: Send) -> None:
            await go_on.wait()
            await answer(scope, receive, send)

        app = Places(slow, places=2)
        watching = [Caller(app, path=path) for path in ("/v1/health/live", "/metrics")]
        callers = [*watching, *(Caller(app) for _ in range(3))]
        asking = [asyncio.create_task(caller.ask()) for caller in callers]
        await asyncio.sleep(0)
        go_on.set()
        *_, refused = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(refused, ApiError)
        assert refused.status == 429
        assert [caller.answers for caller in callers] == [1, 1, 1, 1, 0]

    asyncio.run(main())


def test_what_is_no_request_takes_no_place() -> None:
    async def main() -> None:
        started = asyncio.Event()

        async def whole(scope: Message, receive: Receive, send: Send) -> None:
            started.set()

        caller = Caller(Places(whole, places=0))
        await caller.app({"type": "lifespan"}, caller.receive, caller.send)
        assert started.is_set()

    asyncio.run(main())


def test_whoever_has_an_answer_may_ask_again_at_once() -> None:
    caller = Caller(Places(answer, places=1), again=3)
    asyncio.run(caller.ask())
    assert caller.answers == 4


def test_a_place_is_free_again_when_no_answer_came() -> None:
    async def broken(scope: Message, receive: Receive, send: Send) -> None:
        raise ValueError("broken")

    async def main() -> None:
        app = Places(broken, places=1)
        for _ in range(3):
            with pytest.raises(ValueError, match="broken"):
                await Caller(app).ask()

    asyncio.run(main())
