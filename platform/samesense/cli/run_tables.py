"""What ``samesense runs`` prints about training runs."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from samesense.cli.columns import table
from samesense.core.options import flat
from samesense.core.progress import duration
from samesense.evaluation.results import BASELINE, SHOWN, read_results
from samesense.training.runs import Run, Stage
from samesense.training.trackers.lines import VALIDATION_METRIC

RESULTS_FILE = "results.json"
NONE = "-"
PLACES = ("out", "cache", "tracking")
"""Parts of a job that say where things lie, not what is done."""


def list_table(runs: Sequence[Run], *, root: Path) -> str:
    """Return a line for each run."""
    header = ["run", "recipe", "held out", "seed", "steps", "loss", VALIDATION_METRIC]
    rows = [
        [
            _name(run, root=root),
            run.setting("recipe", "name"),
            run.setting("corpus", "held_out"),
            run.setting("seed"),
            f"{run.done}/{run.steps}",
            _number(run.last("loss")),
            _number(run.best_validation()),
            run.state if run.state != "stopped" else f"stopped at step {run.done}",
            f"{duration(max(0.0, time.time() - run.written))} ago",
        ]
        for run in runs
    ]
    return table([[*header, "state", "last sign"], *rows], right=(4, 5, 6, 8))


def run_page(run: Run) -> str:
    """Return configuration, stages and metrics of one run."""
    header = ["stage", "steps", "time", "loss: first", "last", VALIDATION_METRIC]
    stages = table([header, *map(_stage_row, run.stages)], right=range(1, 6))
    metrics = table([[name, _number(value)] for name, value in _numbers(run).items()], right=(1,))
    config = yaml.safe_dump(dict(run.config), sort_keys=False, allow_unicode=True).rstrip()
    state = run.state if run.state != "stopped" else f"stopped at step {run.done}"
    parts = [f"{run.folder}: {state}", config, stages, metrics]
    return "\n\n".join(part for part in parts if part)


def comparison(runs: Sequence[Run]) -> str:
    """Return what differs in the runs' configurations, then their metrics."""
    header = ["", *names(runs)]
    configs = [flat(dict(run.config)) for run in runs]
    differing = [
        [key, *(_word(config.get(key)) for config in configs)]
        for key in dict.fromkeys(key for config in configs for key in config)
        if key.split(".")[0] not in PLACES and len({repr(c.get(key)) for c in configs}) > 1
    ]
    numbers = [_numbers(run) for run in runs]
    metrics = [
        [key, *(_number(of_run.get(key)) for of_run in numbers)]
        for key in dict.fromkeys(key for of_run in numbers for key in of_run)
    ]
    states = ["state", *(f"{run.state}, {run.done}/{run.steps}" for run in runs)]
    right = range(1, len(header))
    told = table([header, *differing, states], right=right)
    if not differing:
        told = f"The configurations are the same.\n\n{told}"
    return f"{told}\n\n{table([header, *metrics], right=right)}"


def names(runs: Sequence[Run]) -> list[str]:
    """Return the folders of runs, without what they have in common."""
    folders = [run.folder.absolute() for run in runs]
    common = Path(os.path.commonpath([folder.parent for folder in folders]))
    return [str(folder.relative_to(common)) for folder in folders]


def _stage_row(stage: Stage) -> list[str]:
    losses = [value for _, value in stage.values("loss")]
    scores = [value for _, value in stage.values(VALIDATION_METRIC)]
    return [
        stage.name,
        f"{stage.done}/{stage.steps}",
        duration(stage.seconds),
        *([_number(losses[0]), _number(losses[-1])] if losses else [NONE, NONE]),
        _number(max(scores, default=None)),
    ]


def _numbers(run: Run) -> dict[str, float]:
    """Return the run's summary, and what an evaluation in its folder found on held-out domains.

    An evaluation of several seeds has their rows too.
    """
    results = run.folder / RESULTS_FILE
    rows = read_results(results) if results.is_file() else []
    found = {
        f"held out: {row.metric}{' unaligned' * (row.model == BASELINE)}": row.value
        for row in rows
        if row.metric in SHOWN and str(row.seed) == run.setting("seed")
    }
    return run.summary() | found


def _name(run: Run, *, root: Path) -> str:
    return str(run.folder.relative_to(root)) if run.folder != root else run.folder.name


def _word(value: Any) -> str:
    return NONE if value is None else str(value)


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
