"""What the experiment makes of the folder that it was given."""

from pathlib import Path

import pytest

from samesense.experiments.experiment import Experiment
from samesense.experiments.leave_one_out import _embedding


def index_for(out: str) -> str:
    experiment = Experiment(uri="c", backbone=None, out=Path(out), held_out=("a",), seeds=1)
    return _embedding(experiment, model=Path("run")).index


def test_an_index_has_a_name_wherever_the_experiment_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert index_for("runs/mine") == "mine"
    assert index_for(".") == tmp_path.name
    assert index_for("/") == "demo"
