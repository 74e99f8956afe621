"""``samesense runs`` as a person types it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from samesense.cli.main import main


def write_run(folder: Path, *, steps: int, rate: float) -> None:
    stage = {"name": "align", "steps": 4, "optimiser": {"learning_rate": rate}}
    job: dict[str, Any] = {
        "corpus": {"uri": "photos", "held_out": ["sketch"]},
        "recipe": {"name": "alignment", "stages": [stage]},
        "out": str(folder),
        "seed": 0,
    }
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps(job))
    lines = [
        {"stage": "align", "step": step, "elapsed_s": 2.0 * step, "loss": rate / (step + 1)}
        for step in range(steps)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def said(
    *words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, code: int = 0
) -> str:
    monkeypatch.setattr(sys, "argv", ["samesense", "runs", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_run(tmp_path / "runs" / "slow", steps=4, rate=1.0)
    write_run(tmp_path / "runs" / "fast", steps=2, rate=8.0)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("place")
def test_a_list_has_a_line_for_each_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    header, fast, slow = said("list", capsys=capsys, monkeypatch=monkeypatch).splitlines()
    assert header.split()[:2] == ["run", "recipe"]
    assert fast.split()[:8] == ["fast", "alignment", "sketch", "0", "2/4", "4", "-", "running"]
    assert slow.split()[:8] == ["slow", "alignment", "sketch", "0", "4/4", "0.25", "-", "running"]


def test_a_run_is_shown_with_configuration_stages_and_curves(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"held_out": "sketch", "seed": 0, "metric": "mAP@200", "protocol": "udcdr"}
    rows = [
        row | {"model": model, "value": value, "n_queries": 1, "n_gallery": 1}
        for model, value in (("identity", 0.25), ("alignment", 0.5))
    ]
    rows += [row | {"seed": 1, "value": 0.9} for row in rows]
    (place / "runs" / "slow" / "results.json").write_text(json.dumps(rows))
    words = ("show", "runs/slow", "--plot", "curves.png")
    page = said(*words, capsys=capsys, monkeypatch=monkeypatch)
    assert "learning_rate: 1.0" in page
    lines = [line.split() for line in page.splitlines()]
    assert ["align", "4/4", "6", "s", "1", "0.25", "-"] in lines
    assert ["held", "out:", "mAP@200", "unaligned", "0.25"] in lines
    assert ["held", "out:", "mAP@200", "0.5"] in lines
    assert (place / "curves.png").stat().st_size > 10_000


@pytest.mark.usefixtures("place")
def test_a_comparison_shows_what_differs_and_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = said("compare", "runs/slow", "runs/fast", capsys=capsys, monkeypatch=monkeypatch)
    lines = [line.split() for line in told.splitlines()]
    assert lines == [
        ["slow", "fast"],
        ["recipe.stages.0.optimiser.learning_rate", "1.0", "8.0"],
        ["state", "running,", "4/4", "running,", "2/4"],
        [],
        ["slow", "fast"],
        ["loss", "0.25", "4"],
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "runs/slo"), "Did you mean 'slow'?"),
        (("list", "nowhere"), "nowhere: holds no training run"),
        (("compare", "runs/slow"), "name two or more runs"),
        (("show", "runs/slow", "--plot", "curves.pdf"), "ends in .png"),
    ],
)
@pytest.mark.usefixtures("place")
def test_a_mistake_is_told_in_words(
    words: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert told in said(*words, capsys=capsys, monkeypatch=monkeypatch, code=2)
