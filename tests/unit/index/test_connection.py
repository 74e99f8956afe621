import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samesense.bulk.embed import Embedded
from samesense.bulk.options import EmbedJob
from samesense.cli.embedded import print_embedded
from samesense.core.errors import StoreError
from samesense.core.options import validate
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


@pytest.mark.parametrize(
    "address",
    ["http://writer:se/cret@host:1", "https://writer:secret@[::1:9", "http://writer:secret@h:port"],
)
def test_an_address_that_is_none_is_told_without_its_credentials(address: str) -> None:
    with pytest.raises(StoreError, match="is no address of a server: write http://HOST") as caught:
        open_store(address)
    assert not any(word in str(caught.value) for word in ("se/", "cret", "writer"))


def test_what_a_job_prints_holds_no_credentials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    milvus = "http://writer:secret@127.0.0.1:19530"
    values = {"model": "m", "corpus": "c", "index": "i", "milvus": milvus, "out": str(tmp_path)}
    job = validate(values, kind=EmbedJob)
    fates = {"embedded": 1, "unchanged": 0, "rejected": 0}
    print_embedded(job, Embedded(1, fates, {}, 1, 0, 0, 0, "a1" * 32, 1.0, {}, 9))
    shown = capsys.readouterr().out
    assert "http://127.0.0.1:19530" in shown
    assert "secret" not in shown


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(StoreError, match="s3"):
        open_store("s3://bucket/index")


def test_nothing_is_imported_by_a_first_search(tmp_path: Path) -> None:
    """Domains are searched by threads, and imports of SciPy by several threads at once fail."""
    program = """
import sys
from samesense.index.connection import connect
connection = connect(sys.argv[1])
connection.client.create_collection("few", dimension=2)
before = set(sys.modules)
connection.client.search("few", [[1.0, 2.0]])
print({name for name in set(sys.modules) - before if name.startswith("scipy")})
connection.close()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "index")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.splitlines()[-1] == "set()"
