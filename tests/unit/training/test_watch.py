"""Progress of a stage, read from the file that another process writes."""

import json
from pathlib import Path

import pytest

from samesense.recipe.load import load_recipe
from samesense.training.trackers.lines import Lines
from samesense.training.watch import _News, shown


def line(step: int, stage: str = "align") -> str:
    numbers = {"elapsed_s": 1.0, "images_per_s": 80.0, "loss": 0.25}
    return json.dumps({"stage": stage, "step": step, **numbers}) + "\n"


def test_only_news_is_read_also_from_a_half_written_and_from_a_replaced_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.jsonl"
    news = _News(path)
    assert news.read() == []
    path.write_text(line(0) + line(1)[:9])
    assert [entry["step"] for entry in news.read()] == [0]
    with path.open("a") as file:
        file.write(line(1)[9:] + line(2))
    assert [entry["step"] for entry in news.read()] == [1, 2]
    (tmp_path / "new").write_text(line(0) + line(7) + line(8) + line(9))
    (tmp_path / "new").replace(path)
    assert [entry["step"] for entry in news.read()] == [0, 7, 8, 9]


def test_the_steps_of_a_resumed_stage_are_counted_from_where_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = load_recipe("alignment").stages[0]
    (tmp_path / "metrics.jsonl").write_text(line(9, "before") + line(0) + line(1) + line(2))
    with shown(tmp_path, stage=stage, first_step=2):
        lines = Lines(tmp_path, stage="align", first_step=2)
        for step in range(2, 5):
            lines.write(step, {"images_per_s": 80.0, "loss": 0.25})
        lines.close()
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("train align: 5/1000  ")
    assert said.endswith("80 images/s  loss 0.2500")
