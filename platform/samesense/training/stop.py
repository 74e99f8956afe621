"""A request to stop: signals reach the driver, and all ranks stop after the same step."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
import torch.distributed as dist

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOP_FILE = "stop"
"""Lies in a run's folder while somebody asks the run to stop."""


def stop_asked(run: Path) -> bool:
    """Return whether the run was asked to stop, the same on all ranks, which must all call it."""
    mine = dist.get_rank() == 0 and (run / STOP_FILE).exists()
    if dist.get_world_size() == 1:
        return mine
    flag = torch.tensor([int(mine)], device="cuda" if dist.get_backend() == "nccl" else "cpu")
    dist.broadcast(flag, src=0)
    return bool(flag.item())


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt, whatever the process did with them before."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_ask(run: Path) -> Iterator[threading.Event]:
    """Turn the first SIGINT or SIGTERM into a request to stop; the second interrupts at once.

    Yields an event that tells whether the request was made. Off the main thread, which gets no
    signals, nothing is changed.
    """
    asked = threading.Event()
    (run / STOP_FILE).unlink(missing_ok=True)
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        (run / STOP_FILE).touch()
        print("\nstopping after this step; once more to stop at once", file=sys.stderr, flush=True)

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        (run / STOP_FILE).unlink(missing_ok=True)
