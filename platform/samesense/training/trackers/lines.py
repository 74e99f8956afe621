"""A line of JSON for every step: the record of a run that its commands and its watcher read."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samesense.core.storage import write_text_atomically

METRICS_FILE = "metrics.jsonl"
VALIDATION_METRIC = "validation mAP@200"
"""Name of the score that chooses among weights."""


class Lines:
    """Appends to ``<run>/metrics.jsonl``; a number that is not finite is written as ``null``.

    A stage that starts at ``first_step`` first cuts what an interrupted run left behind: this
    stage's later steps, and a line that was half written.
    """

    def __init__(self, run: Path, *, stage: str, first_step: int) -> None:
        path = run / METRICS_FILE
        run.mkdir(parents=True, exist_ok=True)
        kept = list(_lines_before(path, stage=stage, step=first_step)) if path.is_file() else []
        if path.is_file():
            write_text_atomically(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._stage = stage
        before_s = max((line["elapsed_s"] for line in kept if line["stage"] == stage), default=0.0)
        self._started = time.monotonic() - before_s
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        """Append one line, with the seconds that the stage has taken so far."""
        elapsed_s = round(time.monotonic() - self._started, 3)
        head = {"stage": self._stage, "step": step, "elapsed_s": elapsed_s}
        numbers = {name: _finite(value) for name, value in values.items()}
        self._file.write(json.dumps(head | numbers) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def parse_lines(text: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of whole lines; the last line may be half written."""
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict) and {"stage", "step", "elapsed_s"} <= entry.keys():
            yield entry


def _lines_before(path: Path, *, stage: str, step: int) -> Iterator[dict[str, Any]]:
    for line in parse_lines(path.read_text(encoding="utf-8")):
        if line["stage"] != stage or line["step"] < step:
            yield line


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
