"""Progress that a person can read: a bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")
LINE_EVERY_S = 5.0


def track(items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
    """Yield ``items``; show on stderr how many of ``total`` are done, rate and time left."""
    with progress(total=total, what=what) as advance:
        for item in items:
            yield item
            advance(1)


class progress:  # noqa: N801  (used like a function, as a context manager)
    """Context manager that gives a function ``advance(count)`` and shows the progress on stderr."""

    def __init__(self, *, total: int, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.started = self.last_line = time.monotonic()
        self.bar: Progress | None = None

    def __enter__(self) -> "progress":
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self.bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
            self.bar.start()
            self.bar.add_task(self.what, total=self.total)
        return self

    def __call__(self, count: int) -> None:
        """Record that ``count`` more are done."""
        self.done += count
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.done)
        elif time.monotonic() - self.last_line >= LINE_EVERY_S:
            self._print_line()

    def __exit__(self, *exc: object) -> None:
        if self.bar is not None:
            self.bar.stop()
        else:
            self._print_line()

    def _print_line(self) -> None:
        self.last_line = time.monotonic()
        elapsed_s = self.last_line - self.started
        rate = self.done / max(elapsed_s, 1e-9)
        left = f"{(self.total - self.done) / rate:.0f} s left" if rate else "starting"
        print(
            f"{self.what}: {self.done}/{self.total}  {rate:.1f}/s  {elapsed_s:.0f} s gone, {left}",
            file=sys.stderr,
            flush=True,
        )
