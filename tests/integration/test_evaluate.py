"""`samesense evaluate` on models that the command itself trained."""

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.commands import CONCEPTS, DOMAINS, EACH, samesense, train, write_place

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("ray_cluster")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, ray_cluster: None) -> Path:
    """A folder with a corpus, and a training run by each of two seeds."""
    folder = write_place(tmp_path_factory.mktemp("place"))
    train(folder, "runs/one", seed=0)
    train(folder, "other/seed1", seed=1)
    return folder


def test_an_evaluation_compares_with_the_unaligned_backbone(place: Path) -> None:
    command = ("evaluate", "--model", "runs/one", "--corpus", "photos", "--out", "both.json")
    table = samesense(*command, "--protocol", "udcdr", cwd=place).stdout
    pages = {name: ("--report", f"{name}.html") for name in ("matrix", "dg", "gap")}
    square = samesense(*command, "--protocol", "matrix", *pages["matrix"], cwd=place).stdout
    classified = samesense(*command, "--protocol", "dg", *pages["dg"], cwd=place).stdout
    assert "accuracy, prototypes" in classified
    gap = samesense(*command, "--protocol", "gap", *pages["gap"], cwd=place).stdout
    shown = {name: (place / f"{name}.html").read_text() for name in pages}
    assert "Concepts told in unseen domains of photos" in shown["dg"]
    assert "(alignment) raises accuracy" in shown["dg"] or "lowers accuracy" in shown["dg"]
    assert '<th scope="row">largest asymmetry</th>' in shown["matrix"]
    assert "What is left between the domains of photos" in shown["gap"]
    assert "neighbour mixing" in gap
    assert "intervals over queries" in table
    rows = json.loads((place / "both.json").read_text())
    assert {row["model"] for row in rows} == {"identity", "alignment"}
    assert {row["held_out"] for row in rows} == {"domain0"}
    assert all(0 <= row["value"] <= 1 for row in rows if row["metric"].startswith("mAP"))
    udcdr = [row for row in rows if row["protocol"] == "udcdr-clean"]
    assert {"mAP@200", "Prec@200"} <= {row["metric"] for row in udcdr}
    assert {row["n_queries"] for row in udcdr} == {CONCEPTS * EACH}
    aligned = [row for row in udcdr if row["model"] != "identity" and row["low"] is not None]
    assert {row["metric"] for row in aligned} == {"mAP@200", "mAP@all", "Prec@200", "Prec@100"}
    assert all(row["low"] <= row["value"] <= row["high"] for row in aligned)
    assert all(0 < row["p_value"] <= 1 for row in aligned)
    shutil.copytree(place / "runs/one", place / "runs/two")
    page = ("--report", "page.html")
    beside = samesense(*command, "--model", "runs/two", *page, cwd=place).stdout
    assert "neighbour mixing" in (place / "page.html").read_text()
    assert "mAP@200 over runs/one" in beside
    cells = {row["metric"]: row for row in rows if row["protocol"] == "matrix-clean"}
    assert len(cells) == DOMAINS**2 + 1
    there = cells["mAP@all domain0→domain1"]
    assert (there["n_queries"], there["n_gallery"]) == (CONCEPTS * EACH, CONCEPTS * EACH // 5)
    assert f"{udcdr[0]['value']:.3f}" in table
    assert f"{there['value']:.3f}" in square
    assert max(map(len, square.splitlines())) < 80


def test_runs_of_two_seeds_are_one_model(place: Path) -> None:
    both = ("--model", "runs/one", "--model", "other/seed1")
    asked = ("evaluate", *both, "--corpus", "photos", "--out", "rows.json")
    told = samesense(*asked, "--report", "seeds.html", cwd=place).stdout
    rows = json.loads((place / "rows.json").read_text())
    assert {(row["model"], row["seed"]) for row in rows} == {
        (model, seed) for model in ("identity", "alignment") for seed in (0, 1)
    }
    values = [
        row["value"] for row in rows if (row["model"], row["metric"]) == ("alignment", "mAP@200")
    ]
    assert f"{sum(values) / 2:.3f} ± " in told
    assert "± standard deviation over seeds" in told
    page = json.loads((place / "seeds.json").read_text())
    assert page["rows"] == rows
    card = samesense("models", "show", "other/seed1", cwd=place).stdout
    assert "## Evaluation by udcdr-clean, held out: domain0" in card
    assert "Over 2 seeds" in card
    assert "parameters trained" in (place / "seeds.html").read_text()
