"""A request that ends without an answer is made again, whole."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from samesense.serving import again
from samesense.serving.again import AskAgain, middlewares
from samesense.serving.guard import Message, Receive, Send

SCOPE = {"type": "http", "path": "/v1/embeddings"}
PARTS = (b"one ", b"two ", b"three")


class Fronts:
    """Fronts of which the first few die when they have read so many parts of the body."""

    def __init__(self, *, dying: int, parts_read: int) -> None:
        self.dying, self.parts_read = dying, parts_read
        self.calls = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.calls += 1
        if self.calls <= self.dying:
            for _ in range(self.parts_read):
                await receive()
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def asked(app: Callable[..., Any], *, parts: tuple[bytes, ...] = PARTS) -> list[Message]:
    left: list[Message] = [
        {"type": "http.request", "body": part, "more_body": place < len(parts)}
        for place, part in enumerate(parts, start=1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(AskAgain(app)(dict(SCOPE), receive, send))
    return sent


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "WAIT_S", 0.0)


@pytest.mark.parametrize("parts_read", [0, 1, 3])
def test_another_front_gets_the_whole_request(parts_read: int) -> None:
    sent = asked(Fronts(dying=2, parts_read=parts_read))
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b"".join(PARTS)


def test_when_no_front_answers_the_caller_is_told() -> None:
    fronts = Fronts(dying=10**6, parts_read=3)
    sent = asked(fronts)
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["error"]["code"] == "unavailable"
    assert fronts.calls == again.TRIES


def test_a_caller_that_has_gone_is_not_asked_for_again() -> None:
    fronts = Fronts(dying=10**6, parts_read=4)
    assert asked(fronts) == []
    assert fronts.calls == 1


def test_a_body_too_long_to_keep_is_not_sent_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "KEPT_BYTES", 6)
    fronts = Fronts(dying=1, parts_read=3)
    assert asked(fronts)[0]["status"] == 503
    assert fronts.calls == 1


def test_an_answer_that_has_begun_is_left_alone() -> None:
    calls = 0

    async def dies_after_the_start(scope: Message, receive: Receive, send: Send) -> None:
        nonlocal calls
        calls += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})

    assert [message["type"] for message in asked(dies_after_the_start)] == ["http.response.start"]
    assert calls == 1


@pytest.mark.parametrize(("status", "code"), [(429, "busy"), (503, "unavailable")])
def test_what_the_proxy_itself_refuses_gets_the_shape_of_all_refusals(
    status: int, code: str
) -> None:
    async def proxy(scope: Message, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"Request dropped", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    start, body = asked(proxy)
    assert start["status"] == status
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert json.loads(body["body"])["error"]["code"] == code


def test_a_refusal_of_ours_passes_as_it_is() -> None:
    async def front(scope: Message, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    assert asked(front)[1]["body"] == b"{}"


def test_ray_finds_it_where_a_local_cluster_says() -> None:
    from ray.serve._private.utils import call_function_from_import_path

    from samesense.cli.cluster import LOCAL_SETTINGS

    place = LOCAL_SETTINGS["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"]
    assert [one.cls for one in call_function_from_import_path(place)] == [
        one.cls for one in middlewares()
    ]
