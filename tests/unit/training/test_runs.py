"""Runs on disk: finished, going on, stopped, and older ones without a job's record."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from samesense.artefact.folder import MODEL_FOLDER, RECORD
from samesense.core.errors import TrainingError
from samesense.training.driver import START
from samesense.training.runs import MODEL_RECORD, START_RECORD, find_runs, read_run

JOB: dict[str, Any] = {
    "seed": 3,
    "corpus": {"held_out": ["sketch", "photo"]},
    "recipe": {
        "name": "r",
        "stages": [
            {"kind": "fit", "name": "closed form", "block": "white"},
            {"name": "a", "steps": 4},
            {"name": "b", "steps": 2},
        ],
    },
}


def write_run(folder: Path, *, steps: Sequence[int], job: bool = True, model: bool = False) -> Path:
    """Write a run that has taken so many steps of the stages ``a`` and ``b``."""
    folder.mkdir(parents=True)
    if job:
        (folder / "job.json").write_text(json.dumps(JOB))
    lines = [
        {"stage": stage, "step": step, "elapsed_s": 0.5 * (step + 1), "loss": 10.0 - step}
        for stage, taken in zip("ab", steps, strict=False)
        for step in range(taken)
    ]
    for line, score in zip(lines, (0.2, 0.6, 0.4), strict=False):
        line["validation mAP@200"] = score
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for record in [START_RECORD, *([MODEL_RECORD] if model else [])]:
        (folder / record).parent.mkdir()
        (folder / record).write_text(json.dumps({"provenance": {"config": JOB}}))
    return folder


def grow_old(run: Path, *, seconds: float) -> None:
    then = time.time() - seconds
    for path in run.rglob("*.json*"):
        os.utime(path, (then, then))


def test_records_lie_where_training_writes_them() -> None:
    assert Path(START) / RECORD == START_RECORD
    assert Path(MODEL_FOLDER) / RECORD == MODEL_RECORD


def test_a_run_tells_how_far_it_has_come(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", steps=(4, 1)))
    assert (run.done, run.steps, run.state) == (5, 6, "running")
    assert [(stage.name, stage.done, stage.steps) for stage in run.stages] == [
        ("a", 4, 4),
        ("b", 1, 2),
    ]
    assert run.last("loss") == 10.0
    assert run.best_validation() == 0.6
    assert run.setting("corpus", "held_out") == "sketch, photo"
    assert run.setting("corpus", "nothing") == "-"


def test_states(tmp_path: Path) -> None:
    finished = write_run(tmp_path / "finished", steps=(4, 2), model=True)
    stopped = write_run(tmp_path / "stopped", steps=(4, 2))
    again = write_run(tmp_path / "again", steps=(1,), model=True)
    slow = write_run(tmp_path / "slow", steps=(3,))
    lines = (slow / "metrics.jsonl").read_text().replace('"elapsed_s": 1.5', '"elapsed_s": 150')
    (slow / "metrics.jsonl").write_text(lines)
    for run in (finished, stopped, again, slow):
        grow_old(run, seconds=400)
    assert read_run(finished).state == "finished"
    assert read_run(stopped).state == "stopped"
    assert read_run(again).state == "stopped"  # the model is of an earlier run
    assert read_run(slow).state == "running"  # its steps take 50 s
    grow_old(slow, seconds=600)
    assert read_run(slow).state == "stopped"


def test_a_run_that_has_taken_no_step_is_one(tmp_path: Path) -> None:
    run = tmp_path / "new"
    run.mkdir()
    (run / "job.json").write_text(json.dumps(JOB))
    found = read_run(run)
    assert (found.done, found.steps, found.summary(), found.best_validation()) == (0, 6, {}, None)


def test_runs_are_found_below_a_folder_but_not_inside_each_other(tmp_path: Path) -> None:
    write_run(tmp_path / "b", steps=(1,), job=False)
    write_run(tmp_path / "a" / "deep", steps=(1,))
    write_run(tmp_path / "b" / "inside", steps=(1,))
    (tmp_path / "cache").mkdir()
    found = list(find_runs(tmp_path))
    assert [str(run.folder.relative_to(tmp_path)) for run in found] == ["a/deep", "b"]
    assert found[1].config == JOB


def test_a_summary_takes_medians_of_rates_and_the_best_score(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=())
    numbers = ((80.0, 0.9, 600.0, 0.5), (10.0, 0.1, 700.0, 0.7), (90.0, 0.2, 650.0, 0.6))
    lines = [
        {
            **{"stage": "a", "step": step, "elapsed_s": 1.0, "loss": 3.0 - step},
            **{"images_per_s": images, "data_wait_share": wait, "memory_mib": memory},
            "validation mAP@200": score,
        }
        for step, (images, wait, memory, score) in enumerate(numbers)
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_run(run).summary() == {
        "loss": 1.0,
        "images_per_s": 80.0,
        "data_wait_share": 0.2,
        "memory_mib": 700.0,
        "validation mAP@200": 0.7,
    }


def test_a_folder_that_is_no_run_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    write_run(tmp_path / "alignment", steps=(1,))
    with pytest.raises(TrainingError, match="Did you mean 'alignment'"):
        read_run(tmp_path / "alignmen")
