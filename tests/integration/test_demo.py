"""The demo on a corpus and a backbone of one's own: what it prints is true and can be used."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS

pytestmark = pytest.mark.integration
DEMO = ("demo", "--corpus", "photos", "--backbone", "backbone", "--out", "runs/mine")
ONE_FOLD = ("--held-out", "domain1", "--seeds", "1")


def samesense(*words: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "samesense.cli.main", *words]
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


def test_the_demo_leaves_rows_a_page_and_a_search_that_works(tmp_path: Path) -> None:
    write_patterns(tmp_path / "photos", concepts=5, domains=3, each=24)
    MLLMS["idefics3"](tmp_path / "backbone")
    said = samesense(*DEMO, *ONE_FOLD, cwd=tmp_path)
    rows = json.loads((tmp_path / "runs/mine/results.json").read_text())
    assert {(row["held_out"], row["seed"]) for row in rows} == {("domain1", 0)}
    assert {row["model"] for row in rows} == {"identity", "alignment"}
    scores = {row["model"]: row["value"] for row in rows if row["metric"] == "mAP@200"}
    assert scores["alignment"] > scores["identity"]
    assert all(f"{score:.3f}" in said for score in scores.values())
    page = (tmp_path / "runs/mine/report.html").read_text()
    assert page.count("data:image/") > 20
    search = next(line for line in said.splitlines() if line.startswith("search"))
    words = shlex.split(search.removeprefix("search"))
    hits = samesense(*words[1:], cwd=tmp_path).splitlines()
    assert len(hits) == 11
    assert all("domain1" not in hit.split()[2] for hit in hits[:10])
    assert (tmp_path / "hits.png").is_file()
