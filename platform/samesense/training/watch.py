"""Progress of a stage for the person who waits, read from the file that its first rank writes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samesense.core.progress import progress
from samesense.recipe.options import StageOptions

LOOK_EVERY_S = 0.5


@contextmanager
def shown(metrics_file: Path, *, stage: StageOptions) -> Iterator[None]:
    """Show the stage's steps on stderr for as long as the context lasts."""
    over = threading.Event()
    with progress(total=stage.steps, what=f"train {stage.name}") as advance:

        def look() -> None:
            seen = 0
            while not over.wait(LOOK_EVERY_S):
                done = _steps_done(metrics_file, stage.name)
                advance(done - seen)
                seen = done
            advance(_steps_done(metrics_file, stage.name) - seen)

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def _steps_done(metrics_file: Path, stage: str) -> int:
    if not metrics_file.is_file():
        return 0
    last = 0
    for line in metrics_file.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue  # the last line may be half-written
        if entry["stage"] == stage:
            last = entry["step"] + 1
    return last
