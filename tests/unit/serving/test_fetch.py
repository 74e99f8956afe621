import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from threading import Thread
from typing import Any

import pytest

from samesense.serving.errors import ApiError
from samesense.serving.fetch import Fetcher, is_allowed
from samesense.serving.options import FetchOptions

LOOPBACK = (ip_network("127.0.0.1/32"),)
ASKED: list[str] = []
"""What the site was asked for."""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED.append(self.path)
        match self.path:
            case "/image":
                self._send(200, b"bytes")
            case "/large":
                self._send(200, b"1" * 100_000)
            case "/inside":
                self._send(302, location="http://127.0.0.2/secret")
            case "/spelt":
                port = self.server.server_address[1]
                self._send(302, location=f"http://①②⑦.⓪.⓪.②:{port}/image")
            case "/circle":
                self._send(302, location="/circle")
            case "/file":
                self._send(302, location="file:///etc/passwd")
            case "/once":
                self._send(302, location="/image")
            case "/slow":
                self.send_response(200)
                self.send_header("Content-Length", "10")
                self.end_headers()
                self.wfile.write(b"1")
                self.wfile.flush()
                self.server.stopped.wait(10)  # type: ignore[attr-defined]
            case _:
                self._send(404)

    def _send(self, status: int, data: bytes = b"", *, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location.encode().decode("latin-1"))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    from threading import Event

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.stopped = Event()  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.stopped.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(url: str, **options: Any) -> bytes:
    async def once() -> bytes:
        given: dict[str, Any] = {"enabled": True, "allowed_networks": LOOPBACK} | options
        fetcher = Fetcher(FetchOptions(**given), max_bytes=1000)
        try:
            return await fetcher.fetch(url, param="input[0]")
        finally:
            await fetcher.close()

    return asyncio.run(once())


def refusal(url: str, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        fetch(url, **options)
    return refused.value


def test_an_image_is_fetched_after_a_redirect(site: str) -> None:
    assert fetch(f"{site}/image") == b"bytes"
    assert fetch(f"{site}/once") == b"bytes"


def test_nothing_is_fetched_unless_it_is_allowed(site: str) -> None:
    assert "fetches no addresses" in refusal(f"{site}/image", enabled=False).message


def test_a_private_address_is_refused_also_after_a_redirect(site: str) -> None:
    assert refusal(f"{site}/image", allowed_networks=()).status == 403
    assert refusal(f"{site}/inside").status == 403
    assert refusal(f"{site}/spelt").status == 403
    assert refusal(f"{site}/file").status == 403


@contextmanager
def names(answers: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Answer look-ups of names, one answer after the other, and note what was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **more: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **more)
        asked.append(host)
        address = answers[host].pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", answer)
        yield asked


def test_a_name_of_a_private_address_is_refused(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = site.rpartition(":")[2]
    with names({"evil.test": ["169.254.169.254"]}, monkeypatch):
        assert refusal(f"http://evil.test:{port}/image").status == 403


def test_a_name_is_resolved_once_and_its_address_asked(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = site.rpartition(":")[2]
    with names({"rebinding.test": ["127.0.0.1", "127.0.0.2"]}, monkeypatch) as asked:
        assert fetch(f"http://rebinding.test:{port}/image") == b"bytes"
    assert asked == ["rebinding.test"]


def test_limits_are_kept_and_named(site: str) -> None:
    assert refusal(f"{site}/large").status == 413
    assert "0.3 s" in refusal(f"{site}/slow", timeout_s=0.3).message
    assert "redirects" in refusal(f"{site}/circle").message
    assert "404" in refusal(f"{site}/nothing").message


INSIDE = (
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0x7f.1",
    "0177.0.0.1", "127.00.0.1", "127.0.0.1.", "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0。1",
    "１２７.０.０.１", "١٢٧.٠.٠.١", "0", "0.0.0.0", "localhost", "LOCALHOST.", "ｌｏｃａｌｈｏｓｔ",
    "%31%32%37.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[::7f00:1]", "[::ffff:0:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[fe80::1%25lo]",
    "[fec0::1]", "[fd00::1]", "[0:0:0:0:0:0:0:1]", "169.254.169.254", "169。254。169。254",
    "168.63.129.16", "192.168.0.1", "user@127.0.0.1", "127.0.0.1@127.0.0.1", "93.184.216.34@127.1",
    "93.184.216.34:80@127.0.0.1", "93.184.216.34%23@127.0.0.1", "93.184.216.34\\@127.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_of_a_private_address_is_asked(site: str, host: str) -> None:
    before, port = len(ASKED), site.rpartition(":")[2]
    refused = refusal(f"http://{host}:{port}/image", allowed_networks=(), timeout_s=5)
    assert refused.status in (400, 403)
    assert ASKED[before:] == []


@pytest.mark.parametrize(
    "url", ["ftp://example.org/a", "http://", "http://user:secret@example.org/a", "http://[::1"]
)
def test_addresses_of_another_kind_are_refused(url: str) -> None:
    refused = refusal(url)
    assert refused.status in (400, 403)
    assert "secret" not in refused.message


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b:1::808:808", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1::", False),
        ("::7f00:1", False),
        ("::808:808", False),
        ("::ffff:0:7f00:1", False),
        ("::ffff:0:808:808", False),
        ("::ffff:8.8.8.8", True),
        ("fec0::1", False),
        ("ff02::1", False),
        ("168.63.129.16", False),
        ("::ffff:168.63.129.16", False),
        ("240.0.0.1", False),
        ("192.0.0.192", False),
    ],
)
def test_only_public_addresses_are_asked(address: str, allowed: bool) -> None:
    assert is_allowed(ip_address(address), ()) is allowed


def test_a_private_network_may_be_allowed() -> None:
    assert is_allowed(ip_address("10.2.3.4"), (ip_network("10.2.0.0/16"),))
    assert not is_allowed(ip_address("10.3.3.4"), (ip_network("10.2.0.0/16"),))
