"""A real Milvus server on loopback, without containers, for the length of a test session.

The server comes from a virtual environment of its own (its package pins what ours does not want),
named by SAMESENSE_MILVUS_SERVER and by default ``.venv-milvus`` in the repository.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

REPOSITORY = Path(__file__).parents[2]
VARIABLE = "SAMESENSE_MILVUS_SERVER"
# Left to itself the server's etcd takes two fixed ports, so a second server would never start.
ETCD = """
data-dir: etcd.data
listen-client-urls: http://127.0.0.1:{client}
advertise-client-urls: http://127.0.0.1:{client}
listen-peer-urls: http://127.0.0.1:{peer}
initial-advertise-peer-urls: http://127.0.0.1:{peer}
initial-cluster: default=http://127.0.0.1:{peer}
"""
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 20


class MilvusServer:
    """A server with a data folder and an address of its own, which can be killed and come back."""

    def __init__(self, folder: Path) -> None:
        """Choose ports; nothing is started yet. Skips the test if there is no server."""
        self.environment = Path(os.environ.get(VARIABLE, REPOSITORY / ".venv-milvus"))
        self.program = self.environment / "bin" / "milvus-server"
        if not self.program.exists():
            pytest.skip(f"no Milvus server at {self.program}: run `make milvus-server`")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port, self.etcd_port, etcd_peer_port = _free_ports(3)
        etcd = ETCD.format(client=self.etcd_port, peer=etcd_peer_port)
        (folder / "etcd.yaml").write_text(etcd)
        self._wrapper: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._launch: dict[str, Any] = {}

    @property
    def uri(self) -> str:
        """The address, the same after every start."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it calls itself healthy."""
        ports = ["--proxy-port", str(self.port), "--etcd-port", str(self.etcd_port)]
        python: list[str | Path] = [self.environment / "bin" / "python", "-u", self.program]
        log = self.folder / "wrapper.log"
        with log.open("wb") as written:
            self._wrapper = subprocess.Popen(
                [*python, "--data", self.folder, *ports],
                stdout=written,
                stderr=written,
                start_new_session=True,
                env=os.environ | {"ETCD_CONFIG_PATH": str(self.folder / "etcd.yaml")},
            )
        _wait_until_started(self._wrapper, log=log)

    def kill(self) -> None:
        """End the server without warning."""
        if self._wrapper is not None:
            server = psutil.Process(_children(self._wrapper.pid)[0])
            self._launch = {"args": server.cmdline(), "cwd": server.cwd(), "env": server.environ()}
            self._wrapper.kill()
            self._wrapper.wait()
            self._wrapper = None
            server.kill()
        elif self._server is not None:
            self._server.kill()
            self._server.wait()

    def start_again(self) -> None:
        """Start a server that was killed, at the address that it had.

        The wrapper would take the next port while connections to the dead server linger.
        """
        with (self.folder / "again.log").open("ab") as written:
            self._server = subprocess.Popen(stdout=written, stderr=written, **self._launch)
        _wait_until_healthy(int(self._launch["env"]["METRICS_PORT"]))

    def stop(self) -> None:
        """End the server in order."""
        if self._wrapper is not None:
            _end(self._wrapper)
        elif self._server is not None:
            self._server.kill()
            self._server.wait()


@contextmanager
def milvus_server(folder: Path) -> Iterator[str]:
    """Serve a new data folder and yield the server's URI; skips the test if there is no server."""
    server = MilvusServer(folder)
    try:
        server.start()
        yield server.uri
    finally:
        server.stop()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(sock.getsockname()[1]) for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def _wait_until_started(wrapper: "subprocess.Popen[bytes]", *, log: Path) -> None:
    """Wait for the banner that the wrapper prints once the server calls itself healthy."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while "Welcome" not in (text := log.read_text(errors="replace")):
        if wrapper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the Milvus server did not start; {log} says: {text[-2000:]}")
        time.sleep(0.2)


def _wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer,
        ):
            if b"OK" in answer.read():
                return
        time.sleep(0.2)
    raise RuntimeError(f"the Milvus server was not healthy within {START_TIMEOUT_S} s")


def _end(wrapper: "subprocess.Popen[bytes]") -> None:
    """End the server, then the wrapper, by their ids: the server would outlive its wrapper."""
    servers = _children(wrapper.pid)
    for server in servers:
        _signal(server, signal.SIGTERM)
    wrapper.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while wrapper.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    for server in servers:
        _signal(server, signal.SIGKILL)
    wrapper.kill()
    wrapper.wait()


def _children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def _signal(process: int, number: signal.Signals) -> None:
    if "milvus" in _command(process):
        os.kill(process, number)


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
    except OSError:
        return ""
