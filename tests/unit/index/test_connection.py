import socket
import time

import pytest

from samesense.core.errors import StoreError
from samesense.index.store import open_store


def _closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_server_that_is_down_is_told_within_seconds() -> None:
    started = time.monotonic()
    with pytest.raises(StoreError, match="no Milvus answers there"):
        open_store(f"http://127.0.0.1:{_closed_port()}")
    assert time.monotonic() - started < 6


def test_a_server_that_says_nothing_is_told_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(StoreError, match="no Milvus answers there"):
            open_store(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - started < 6


def test_credentials_are_in_no_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "reader:hush-hush")
    with pytest.raises(StoreError) as caught:
        open_store(f"http://writer:secret@127.0.0.1:{_closed_port()}")
    shown = repr(caught.value) + caplog.text
    assert "127.0.0.1" in shown
    assert not any(word in shown for word in ("hush", "secret", "writer"))


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(StoreError, match="s3"):
        open_store("s3://bucket/index")
