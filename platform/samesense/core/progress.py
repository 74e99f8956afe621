"""Progress that a person can read: a bar on a terminal, a line now and then in a log.

The rate is that of the last half minute, not of the whole time, so that a slow start or a change of
speed does not spoil the time that is left.
"""

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

T = TypeVar("T")
LINE_EVERY_S = 15.0
WINDOW_S, MARK_EVERY_S = 30.0, 0.5


def track(items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
    """Yield ``items``; show on stderr how many of ``total`` are done, rate and time left."""
    with progress(total=total, what=what) as advance:
        for item in items:
            yield item
            advance(1)


def track_stream(items: Iterable[T], *, what: str) -> Iterator[T]:
    """Yield ``items`` whose number nobody knows; show on stderr how many there were so far."""
    with progress(total=None, what=what) as advance:
        for item in items:
            yield item
            advance(1)


class progress:  # noqa: N801  (used like a function, as a context manager)
    """Context manager that gives a function ``advance(count)`` and shows the progress on stderr."""

    def __init__(self, *, total: int | None, what: str, done: int = 0) -> None:
        """``done`` were finished before, and say nothing about the rate; no total is unknown."""
        self.total, self.what, self.done, self.note = total, what, done, ""
        self.started = self.last_line = time.monotonic()
        self.marks = deque([(self.started, done)])
        self.bar: Progress | None = None

    def __enter__(self) -> "progress":
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            said = TextColumn("{task.fields[said]}")
            self.bar = Progress(*columns, said, console=Console(stderr=True))
            self.bar.start()
            self.bar.add_task(self.what, total=self.total, completed=self.done, said="")
        return self

    def __call__(self, count: int, *, note: str = "") -> None:
        """Record that ``count`` more are done; ``note`` is shown until another takes its place."""
        now = time.monotonic()
        if count == 0 and self.done == self.marks[0][1]:
            self.marks = deque([(now, self.done)])  # waiting says nothing of the rate to come
        self.done += count
        self.note = note or self.note
        if now - self.marks[-1][0] >= MARK_EVERY_S:
            self.marks.append((now, self.done))
        while len(self.marks) > 1 and self.marks[1][0] <= now - WINDOW_S:
            self.marks.popleft()
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.done, said=self._said())
        elif now - self.last_line >= LINE_EVERY_S:
            self._print_line()

    def __exit__(self, *exc: object) -> None:
        if self.bar is not None:
            self.bar.stop()
        else:
            self._print_line()

    def _said(self) -> str:
        now, (then, before) = time.monotonic(), self.marks[0]
        rate = max(0.0, (self.done - before) / max(now - then, 1e-9))
        gone = f"{duration(now - self.started)} gone"
        if self.total is not None:
            left = f"{duration((self.total - self.done) / rate)} left" if rate else "waiting"
            gone = f"{gone}, {left}"
        return "  ".join(part for part in (f"{rate:.1f}/s", gone, self.note) if part)

    def _print_line(self) -> None:
        self.last_line = time.monotonic()
        of = f"/{self.total}" if self.total is not None else ""
        line = f"{self.what}: {self.done}{of}  {self._said()}"
        print(line, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
