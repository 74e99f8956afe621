"""Training runs as they lie on disk, finished or not: what was asked, and how far each has come.

A folder is a run if it holds a job, metrics, or the artefact that a run starts from.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from samesense.core.errors import TrainingError, did_you_mean
from samesense.training.trackers.lines import METRICS_FILE, VALIDATION_METRIC, parse_lines

JOB_FILE = "job.json"
START_RECORD, MODEL_RECORD = Path("start/artefact.json"), Path("model/artefact.json")
"""Read here as plain JSON, since the artefact's room loads torch, for which a list need not wait.
"""
ALIVE_FOR_S = 300.0
ALIVE_FOR_STEPS = 10

State = Literal["finished", "running", "stopped"]
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """One stage of a run."""

    name: str
    steps: int
    """How many it is to take."""
    lines: Sequence[Line]
    """What was measured, a line a step."""

    @property
    def done(self) -> int:
        """How many steps it has taken."""
        return self.lines[-1]["step"] + 1 if self.lines else 0

    @property
    def seconds(self) -> float:
        """How long these took."""
        return float(self.lines[-1]["elapsed_s"]) if self.lines else 0.0

    def values(self, name: str) -> list[tuple[int, float]]:
        """Return (step, value) wherever a metric was measured."""
        return [(line["step"], line[name]) for line in self.lines if line.get(name) is not None]

    def metrics(self) -> list[str]:
        """Return the names of what was measured, in the order of its first appearance."""
        names = dict.fromkeys(name for line in self.lines for name in line)
        return [name for name in names if name not in ("stage", "step", "elapsed_s")]


@dataclass(frozen=True)
class Run:
    """One run, as it was when it was read."""

    folder: Path
    config: Mapping[str, Any]
    """The job; empty if the run has not written it down."""
    stages: Sequence[Stage]
    written: float
    """When it last gave a sign, in seconds since 1970."""
    model_written: float | None
    """When it wrote its model."""

    @property
    def done(self) -> int:
        """How many steps all stages have taken."""
        return sum(stage.done for stage in self.stages)

    @property
    def steps(self) -> int:
        """How many steps all stages are to take."""
        return sum(stage.steps for stage in self.stages)

    @cached_property
    def state(self) -> State:
        """``finished`` with a model; ``running`` if its last sign is not older than five minutes or
        ten of its steps; else ``stopped``."""
        if self.model_written is not None and self.done == self.steps:
            return "finished"
        step_s = sum(stage.seconds for stage in self.stages) / max(1, self.done)
        quiet_s = time.time() - self.written
        return "running" if quiet_s <= max(ALIVE_FOR_S, ALIVE_FOR_STEPS * step_s) else "stopped"

    def setting(self, *keys: str) -> str:
        """Return a value of the configuration as words, ``-`` if it is not known."""
        value: Any = self.config
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, list):
            return ", ".join(map(str, value)) or "-"
        return "-" if value is None else str(value)

    def last(self, name: str) -> float | None:
        """Return the latest value of a metric."""
        return next((v[-1][1] for s in reversed(self.stages) if (v := s.values(name))), None)

    def best_validation(self) -> float | None:
        """Return the highest validation score of the last stage that has one."""
        scored = [stage.values(VALIDATION_METRIC) for stage in self.stages]
        return next((max(v for _, v in values) for values in reversed(scored) if values), None)

    def summary(self) -> dict[str, float]:
        """Return one number for each metric of the last stage that took a step.

        Rates and shares: the median over steps. Memory: the most. Validation: the best. The rest:
        the last value.
        """
        stage = next((stage for stage in reversed(self.stages) if stage.lines), None)
        if stage is None:
            return {}
        return {
            name: _SUMMARY.get(name, _last)([value for _, value in values])
            for name in stage.metrics()
            if (values := stage.values(name))
        }


def _last(values: Sequence[float]) -> float:
    return values[-1]


_SUMMARY: Mapping[str, Callable[[Sequence[float]], float]] = {
    "images_per_s": statistics.median,
    "data_wait_share": statistics.median,
    "memory_mib": max,
    "gpu_memory_mib": max,
    VALIDATION_METRIC: max,
}


def find_runs(root: Path) -> Iterator[Run]:
    """Yield the runs at or below ``root``, in the order of their folders.

    Folders inside a run are not looked into.
    """
    for folder, below, files in os.walk(root):
        if _is_run(Path(folder), files):
            below.clear()
            yield read_run(Path(folder))
        below.sort()


def read_run(folder: Path) -> Run:
    """Read a run's files.

    Raises:
        TrainingError: if the folder is no run.
    """
    if not (folder.is_dir() and _is_run(folder, [path.name for path in folder.iterdir()])):
        siblings = sorted(path.name for path in folder.parent.glob("*/"))
        hint = did_you_mean(folder.name, siblings)
        raise TrainingError(
            f"{folder}: is not a training run (no {JOB_FILE} and no {METRICS_FILE}).{hint}"
        )
    config = _config(folder)
    metrics, model = folder / METRICS_FILE, folder / MODEL_RECORD
    lines = list(parse_lines(metrics.read_text(encoding="utf-8"))) if metrics.is_file() else []
    signs = [folder / JOB_FILE, folder / START_RECORD, metrics, model]
    return Run(
        folder=folder,
        config=config,
        stages=_stages(config, lines),
        written=max(path.stat().st_mtime for path in signs if path.is_file()),
        model_written=model.stat().st_mtime if model.is_file() else None,
    )


def _is_run(folder: Path, files: Sequence[str]) -> bool:
    return JOB_FILE in files or METRICS_FILE in files or (folder / START_RECORD).is_file()


def _config(folder: Path) -> dict[str, Any]:
    """Return the job, from where a run writes it first to where it writes it last."""
    if (folder / JOB_FILE).is_file():
        job: dict[str, Any] = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))
        return job
    for record in (folder / START_RECORD, folder / MODEL_RECORD):
        if record.is_file():
            provenance = json.loads(record.read_text(encoding="utf-8"))["provenance"]
            config: dict[str, Any] = provenance.get("config", {})
            return config
    return {}


def _stages(config: Mapping[str, Any], lines: Sequence[Line]) -> list[Stage]:
    stages = config.get("recipe", {}).get("stages", ())
    asked = {s["name"]: s["steps"] for s in stages if "steps" in s}
    taken: dict[str, list[Line]] = {}
    for line in lines:
        taken.setdefault(line["stage"], []).append(line)
    return [
        Stage(name=name, steps=asked.get(name, len(taken.get(name, ()))), lines=taken.get(name, ()))
        for name in dict.fromkeys([*asked, *taken])
    ]
