import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from samesense.serving.guard import Guard, Message, Receive, Send, open_to
from samesense.serving.measure import Measures

KEY = "k" * 20


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Answer with the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/breaks":
        raise RuntimeError("a secret")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(
    path: str = "/v1/search", *, parts: tuple[bytes, ...] = (b"",), **headers: str
) -> tuple[int, dict[str, str], bytes, Measures]:
    """Send one request through a guard of 100 bytes and one key."""
    measures, sent = Measures(), []
    left = list(parts)

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    given = {"authorization": f"Bearer {KEY}"} | {
        n.replace("_", "-"): v for n, v in headers.items()
    }
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    guard = Guard(echo, keys=(KEY,), body_bytes=100, measures=measures)
    asyncio.run(guard(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"], measures


def test_a_good_request_passes_with_the_headers_that_protect_it() -> None:
    status, headers, body, measures = ask(parts=(b"12", b"345"))
    assert (status, body) == (200, b"5")
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert 'status="200"' in measures.text()


def test_a_body_over_the_limit_is_refused_announced_or_not() -> None:
    assert ask(parts=(b"1" * 60, b"1" * 60))[0] == 413
    status, _, body, _ = ask(content_length="101")
    assert status == 413
    assert "100 bytes" in json.loads(body)["error"]["message"]


def test_without_the_key_only_page_and_health_are_open() -> None:
    assert ask(authorization="Bearer other")[0] == 401
    assert ask("/metrics", authorization="")[0] == 401
    for path in ("/", "/docs", "/health", "/v1/health/live", "/v1/health/ready", "/page/page.js"):
        assert ask(path, authorization="")[0] == 200


FRIEND, STRANGER = "https://friend.example", "https://stranger.example"


def from_a_page(method: str, *, origin: str, allowed: tuple[str, ...], **headers: str) -> Response:
    """Ask as a browser does for a page of another site."""
    guard = Guard(echo, keys=(KEY,), body_bytes=100, measures=Measures())

    async def once() -> Response:
        transport = ASGITransport(app=open_to(allowed, guard))
        async with AsyncClient(transport=transport, base_url="http://here") as client:
            given = {"origin": origin} | {n.replace("_", "-"): v for n, v in headers.items()}
            return await client.request(method, "/v1/search", headers=given)

    return asyncio.run(once())


PREFLIGHT = {
    "access_control_request_method": "POST",
    "access_control_request_headers": "authorization,content-type",
}


def test_other_sites_may_not_call_unless_they_are_named() -> None:
    for allowed in ((), (FRIEND,)):
        asked = from_a_page("OPTIONS", origin=STRANGER, allowed=allowed, **PREFLIGHT)
        assert asked.status_code in (400, 401)
        told = from_a_page("POST", origin=STRANGER, allowed=allowed, authorization=f"Bearer {KEY}")
        for answer in (asked, told):
            assert "access-control-allow-origin" not in answer.headers


def test_a_site_that_is_named_asks_without_a_key_and_calls_with_it() -> None:
    asked = from_a_page("OPTIONS", origin=FRIEND, allowed=(f"{FRIEND}/",), **PREFLIGHT)
    assert asked.status_code == 200
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    with_key = from_a_page("POST", origin=FRIEND, allowed=(FRIEND,), authorization=f"Bearer {KEY}")
    without = from_a_page("POST", origin=FRIEND, allowed=(FRIEND,))
    assert (with_key.status_code, without.status_code) == (200, 401)
    for answer in (asked, with_key, without):
        assert answer.headers["access-control-allow-origin"] == FRIEND


def test_every_request_leaves_a_line_that_names_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="ray.serve.requests"):
        ask("/v1/search", x_request_id="mine")
        ask(authorization="Bearer other")
    first, second = (json.loads(record.message) for record in caplog.records)
    assert (first["request_id"], first["path"], first["status"]) == ("mine", "/v1/search", 200)
    assert second["status"] == 401
    assert caplog.records[0].status == 200
    assert KEY not in caplog.text


def test_a_defect_is_told_without_its_words() -> None:
    status, headers, body, _ = ask("/breaks")
    assert (status, headers["content-type"]) == (500, "application/json")
    assert json.loads(body)["error"]["code"] == "internal"
    assert b"secret" not in body


def test_a_log_that_nobody_reads_holds_nothing_up() -> None:
    script = """
from samesense.serving.guard import log, log_requests
log_requests()
for number in range(20_000):
    log.info("a line that fills a pipe, %d", number)
print("done")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.wait(timeout=60) == 0
        assert process.stdout.read() == "done\n"
        assert process.stderr.readline() == "a line that fills a pipe, 0\n"
    finally:
        process.kill()
