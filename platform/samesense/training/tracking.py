"""A line of JSON for every training step, so that a run can be read while it goes on and after."""

import json
import time
from pathlib import Path
from types import TracebackType


class MetricsLog:
    """Appends one JSON object a line; only the first rank writes."""

    def __init__(self, path: Path, *, rank: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8") if rank == 0 else None
        self._started = time.monotonic()

    def __enter__(self) -> "MetricsLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, **values: object) -> None:
        """Write the values and the seconds since the log was opened."""
        if self._file is not None:
            elapsed_s = round(time.monotonic() - self._started, 3)
            self._file.write(json.dumps({"elapsed_s": elapsed_s, **values}) + "\n")
            self._file.flush()
