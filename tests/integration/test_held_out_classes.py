"""A published split, from the command that makes it to the numbers of all three protocols."""

import contextlib
import io
import json
import sys
from pathlib import Path

import pytest

from samesense.cli.main import main
from tests.conftest import ROOT
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("ray_cluster")]


def samesense(*words: str | Path, cwd: Path) -> str:
    """Run a command in this process, on the session's Ray, and return what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["samesense", *map(str, words)])
        silenced = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with silenced[0], silenced[1], pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 0, err.getvalue()
    return out.getvalue()


def test_a_model_is_trained_on_a_published_split_and_asked_as_published_and_clean(
    tmp_path: Path,
) -> None:
    write_patterns(tmp_path / "photos", concepts=7, domains=4, each=13)
    MLLMS["idefics3"](tmp_path / "backbone")
    samesense(
        *("corpus", "split", "photos", "-o", "split.json", "--rule", "official"),
        *("--held-out", "domain3", "--seen-domain", "domain1", "--gallery-domain", "domain0"),
        *("--validation-classes", "concept4", "--held-out-classes", "concept5"),
        *("--held-out-classes", "concept6"),
        cwd=tmp_path,
    )
    samesense(
        *("train", "-c", ROOT / "jobs/configs/alignment.yaml", "--set", "corpus.split=split.json"),
        *("--set", "corpus.uri=photos", "--set", "corpus.held_out=domain3"),
        *("--set", "recipe.blocks.backbone.model=backbone", "--set", "recipe.stages.0.steps=4"),
        *("--set", "recipe.stages.0.sampler.concepts_per_step=4", "--set", "out=run"),
        cwd=tmp_path,
    )
    record = json.loads((tmp_path / "run/model/artefact.json").read_text())
    assert record["provenance"]["corpus"]["split"] == "split.json"
    (tmp_path / "split.json").unlink()  # the run has its own
    asked = [("udcdr", "official"), ("udcdr", "clean"), ("uccdr", "official"), ("ucdr", "official")]
    for protocol, variant in asked:
        words = ("--protocol", protocol, "--variant", variant)
        command = ("evaluate", "--model", "run", "--corpus", "photos", *words)
        samesense(*command, "--report", f"{protocol}-{variant}.html", cwd=tmp_path)
    mixed = samesense(
        *("evaluate", "--model", "run", "--corpus", "photos", "--protocol", "ucdr"),
        *("--gallery", "mixed"),
        cwd=tmp_path,
    )
    assert "mAP@200 unaligned" in mixed
    rows = json.loads((tmp_path / "run/results.json").read_text())
    sizes = {row["protocol"]: (row["n_queries"], row["n_gallery"]) for row in rows}
    assert sizes == {
        "udcdr-official": (4 * 3, 4 * 3),
        "udcdr-clean": (4 * 13, 4 * 2),
        "uccdr-official": (2 * 13, 2 * 13),
        "ucdr-official": (2 * 13, 2 * 13),
        "ucdr-mixed-clean": (2 * 13, 2 * 13 + 4 * 2),
    }
    assert {row["model"] for row in rows} == {"identity", "alignment"}
    pages = {name: (tmp_path / f"{name}.html").read_text() for name in list(sizes)[:4]}
    assert "Search for unseen classes on photos" in pages["uccdr-official"]
    assert "Held out: domain3, asked in domain1" in pages["uccdr-official"]
    as_published = [name for name, html in pages.items() if "As published" in html]
    assert as_published == ["udcdr-official"]
