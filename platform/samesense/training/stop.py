"""A request to stop: signals reach the driver, and all ranks stop after the same step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import ray
import torch
import torch.distributed as dist

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@ray.remote(num_cpus=0)
class StopRequest:
    """Lives beside a run; the driver asks, the first rank hears."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask the run to stop."""
        self._asked.set()

    def heard(self) -> bool:
        """Return True once somebody has asked; until then, wait."""
        return self._asked.wait()


def stop_request() -> Any:
    """Start a request that nobody has made yet."""
    return StopRequest.options(max_concurrency=2).remote()  # type: ignore[attr-defined]


class StopWatch:
    """A rank's view of the request."""

    def __init__(self, request: Any) -> None:
        """Begin to listen, on the first rank."""
        self._heard = request.heard.remote() if dist.get_rank() == 0 else None

    def asked(self) -> bool:
        """Return whether to stop now, the same on all ranks, which must all call it."""
        mine = self._heard is not None and bool(ray.wait([self._heard], timeout=0)[0])
        if dist.get_world_size() == 1:
            return mine
        flag = torch.tensor([int(mine)], device=_device())
        dist.broadcast(flag, src=0)
        return bool(flag.item())


def _device() -> str:
    return "cuda" if dist.get_backend() == "nccl" else "cpu"


@contextmanager
def signals_ask(request: Any) -> Iterator[threading.Event]:
    """Turn the first SIGINT or SIGTERM into the request; the second interrupts at once.

    Yields an event that tells whether the request was made. Off the main thread, which gets no
    signals, nothing is changed.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        request.ask.remote()

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
