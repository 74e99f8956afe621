"""Watching a job: a line for people, the same for Prometheus, and a summary in the end."""

import time
from collections import Counter, defaultdict
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest, start_http_server
from prometheus_client import Counter as Total

from samesense.bulk.blocks import Committed
from samesense.core.errors import ConfigError, Fault, WriteError
from samesense.core.progress import progress
from samesense.core.storage import write_text_atomically

METRICS_FILE = "metrics.prom"
WRITE_EVERY_S = 5.0
LOOPBACK = "127.0.0.1"
MIB = 1 << 20


@dataclass
class Totals:
    """What a run of a job has done so far; blocks that an earlier run finished count as fates."""

    fates: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Stage → seconds, summed over its workers."""
    bytes: int = 0
    encoded: int = 0

    def add(self, done: Committed) -> None:
        """Count a finished block."""
        self.fates += done.fates
        self.reasons += done.reasons
        for stage, seconds in done.cost.seconds.items():
            self.seconds[stage] += seconds
        self.bytes += done.cost.bytes
        self.encoded += done.cost.encoded


class Watch:
    """Shows and exports progress while its block runs."""

    def __init__(self, out: Path, *, rows: int, finished: int, port: int | None) -> None:
        """``finished`` of the ``rows`` were done by an earlier run.

        Raises:
            ConfigError: if the port for Prometheus is taken.
        """
        self.out, self.rows = out, rows
        self.totals = Totals()
        self.started = self.written = time.monotonic()
        self.bar = progress(total=rows, what="embed", done=finished)
        self.registry = CollectorRegistry()
        self.fates = Total(
            "samesense_bulk_rows", "Rows by their fate", ["fate"], registry=self.registry
        )
        self.bytes = Total(
            "samesense_bulk_read_bytes", "Bytes read from the corpus", registry=self.registry
        )
        self.seconds = Total(
            "samesense_bulk_stage_seconds",
            "Seconds of workers by stage",
            ["stage"],
            registry=self.registry,
        )
        Gauge("samesense_bulk_listed_rows", "Rows of the corpus", registry=self.registry).set(rows)
        self.left = Gauge("samesense_bulk_rows_left", "Rows to do", registry=self.registry)
        self.left.set(rows - finished)
        self.server: Any = None
        if port is not None:
            try:
                self.server, _ = start_http_server(port, addr=LOOPBACK, registry=self.registry)
            except OSError as error:
                said = f"port {port} cannot be opened: {error.strerror}; choose another"
                raise ConfigError(Fault(("metrics_port",), said)) from None

    def __enter__(self) -> "Watch":
        self.bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.__exit__(kind, error, traceback)
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
        # A full disk is told once, by whoever met it first.
        with suppress(WriteError) if error is not None else nullcontext():
            self._write()

    def add(self, done: Committed) -> None:
        """Count a finished block, and tell of it."""
        self.totals.add(done)
        rows = sum(done.fates.values())
        for fate, count in done.fates.items():
            self.fates.labels(fate).inc(count)
        for stage, seconds in done.cost.seconds.items():
            self.seconds.labels(stage).inc(seconds)
        self.bytes.inc(done.cost.bytes)
        self.left.dec(rows)
        self.bar(rows, note=self._note())
        if time.monotonic() - self.written >= WRITE_EVERY_S:
            self._write()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def _note(self) -> str:
        rate = self.totals.bytes / MIB / max(self.elapsed_s, 1e-9)
        stages = sorted(self.totals.seconds.items(), key=lambda spent: -spent[1])
        all_s = sum(self.totals.seconds.values()) or 1.0
        shares = ", ".join(f"{stage} {spent / all_s:.0%}" for stage, spent in stages[:3])
        return f"{rate:.1f} MiB/s, {self.totals.fates['rejected']} rejected, {shares}"

    def _write(self) -> None:
        self.written = time.monotonic()
        write_text_atomically(self.out / METRICS_FILE, generate_latest(self.registry).decode())
