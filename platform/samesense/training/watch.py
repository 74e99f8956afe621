"""Progress of a stage for the person who waits, read from the file that its first rank writes."""

import os
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samesense.core.progress import progress
from samesense.recipe.options import StageOptions
from samesense.training.trackers.lines import METRICS_FILE, parse_lines

LOOK_EVERY_S = 0.5


@contextmanager
def shown(run: Path, *, stage: StageOptions, first_step: int = 0) -> Iterator[None]:
    """Show the stage's steps, from the one it starts with, for as long as the context lasts."""
    over = threading.Event()
    news = _News(run / METRICS_FILE)
    with progress(total=stage.steps, what=f"train {stage.name}", done=first_step) as advance:

        def look() -> None:
            lines = [line for line in news.read() if line["stage"] == stage.name]
            done = lines[-1]["step"] + 1 if lines else advance.done
            advance(done - advance.done, note=_note(lines) if lines else "")

        def keep_looking() -> None:
            while not over.wait(LOOK_EVERY_S):
                look()
            look()

        watcher = threading.Thread(target=keep_looking, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


class _News:
    """Reads what was added to a file since it was last read; a replaced file is read anew."""

    def __init__(self, path: Path) -> None:
        self._path, self._at, self._file_id = path, 0, 0

    def read(self) -> list[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                file_id = os.fstat(file.fileno()).st_ino
                self._at = self._at if file_id == self._file_id else 0
                self._file_id = file_id
                file.seek(self._at)
                added = file.read()
        except FileNotFoundError:
            return []
        whole = added[: added.rfind(b"\n") + 1]
        self._at += len(whole)
        return list(parse_lines(whole.decode("utf-8")))


def _note(lines: list[dict[str, Any]]) -> str:
    images_per_s = statistics.median(line["images_per_s"] for line in lines)
    return f"{images_per_s:,.0f} images/s  loss {lines[-1]['loss']:.4f}"
