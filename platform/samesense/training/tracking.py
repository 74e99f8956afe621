"""What becomes of a step's numbers: every tracker that the job asks for writes them down."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from samesense.training.options import TrackingOptions
from samesense.training.trackers.lines import METRICS_FILE, Lines
from samesense.training.trackers.mlflow import RUN_FILE, Mlflow, check_installed
from samesense.training.trackers.tensorboard import TENSORBOARD_FOLDER, TensorBoard


class Tracker(Protocol):
    """Writes numbers somewhere."""

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        """Record one step; ``None`` stands for a number that is not defined."""

    def close(self) -> None:
        """Let nothing be lost."""


class Tracked:
    """Context in which a step's numbers go to several trackers, or to none."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self.trackers = trackers

    def __enter__(self) -> "Tracked":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for tracker in self.trackers:
            tracker.close()

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        """Record one step everywhere."""
        for tracker in self.trackers:
            tracker.write(step, values)


def track_stage(
    run: Path,
    *,
    stage: str,
    first_step: int,
    rank: int,
    options: TrackingOptions,
    config: Mapping[str, Any],
) -> Tracked:
    """Open the trackers of a stage that starts, or goes on, at ``first_step``.

    Only the first rank writes. What an interrupted run wrote of ``first_step`` and later is cut.

    Raises:
        ConfigError: if a tracker cannot be reached.
    """
    if rank != 0:
        return Tracked([])
    trackers: list[Tracker] = [Lines(run, stage=stage, first_step=first_step)]
    if options.tensorboard:
        trackers.append(TensorBoard(run, stage=stage, first_step=first_step))
    if options.mlflow is not None:
        trackers.append(Mlflow(run, uri=options.mlflow, stage=stage, config=config))
    return Tracked(trackers)


def check_trackers(options: TrackingOptions) -> None:
    """Refuse options that ask for a tracker that is not installed.

    Raises:
        ConfigError: telling how to install it.
    """
    if options.mlflow is not None:
        check_installed()


def forget_tracks(run: Path) -> None:
    """Remove what an earlier run wrote into this folder."""
    for name in (METRICS_FILE, RUN_FILE):
        (run / name).unlink(missing_ok=True)
    shutil.rmtree(run / TENSORBOARD_FOLDER, ignore_errors=True)
