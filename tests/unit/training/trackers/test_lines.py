"""The lines of a run that was killed and goes on."""

import json
from pathlib import Path

import pytest

from samesense.training.trackers.lines import Lines


def written(run: Path) -> list[tuple[str, int, float]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [(e["stage"], e["step"], e["loss"]) for e in map(json.loads, lines)]


def test_a_resumed_stage_leaves_no_step_twice(tmp_path: Path) -> None:
    for stage, steps in (("first", 3), ("second", 5)):
        lines = Lines(tmp_path, stage=stage, first_step=0)
        for step in range(steps):
            lines.write(step, {"loss": float(step)})
        lines.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "second", "st')  # killed while it wrote
    again = Lines(tmp_path, stage="second", first_step=3)
    again.write(3, {"loss": 30.0})
    again.close()
    assert written(tmp_path) == [
        *(("first", step, float(step)) for step in range(3)),
        *(("second", step, float(step)) for step in range(3)),
        ("second", 3, 30.0),
    ]


def test_time_goes_on_where_the_last_kept_step_left_it(tmp_path: Path) -> None:
    head = {"stage": "align", "loss": 1.0}
    kept, cut = {"step": 0, "elapsed_s": 40.0}, {"step": 1, "elapsed_s": 90.0}
    text = "".join(json.dumps(head | line) + "\n" for line in (kept, cut))
    (tmp_path / "metrics.jsonl").write_text(text)
    lines = Lines(tmp_path, stage="align", first_step=1)
    lines.write(1, {"loss": 1.0})
    lines.close()
    last = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["elapsed_s"] == pytest.approx(40, abs=5)


def test_numbers_that_are_not_finite_are_null(tmp_path: Path) -> None:
    lines = Lines(tmp_path, stage="align", first_step=0)
    lines.write(0, {"loss": float("nan"), "gradient_norm": float("inf"), "alignment": None})
    lines.close()
    line = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert (line["loss"], line["gradient_norm"], line["alignment"]) == (None, None, None)
