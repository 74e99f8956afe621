"""Commands run in this process, in a folder with a small corpus and a backbone."""

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from samesense.cli.main import main
from tests.conftest import ROOT
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS

CONCEPTS, DOMAINS, EACH = 6, 3, 10


@dataclass(frozen=True)
class Said:
    """What a command printed."""

    stdout: str
    stderr: str


def samesense(*words: str | Path, cwd: Path, code: int = 0) -> Said:
    """Run a command in this process, on the session's Ray, and check its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["samesense", *map(str, words)])
        silenced = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with silenced[0], silenced[1], pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == code, err.getvalue()
    return Said(out.getvalue(), err.getvalue())


def write_place(folder: Path) -> Path:
    """Write a corpus `photos` and a model `backbone`, and return the folder."""
    write_patterns(folder / "photos", concepts=CONCEPTS, domains=DOMAINS, each=EACH)
    MLLMS["idefics3"](folder / "backbone")
    return folder


def train(place: Path, out: str, *, seed: int) -> Said:
    """Train an alignment without `domain0`."""
    return samesense(
        *("train", "-c", ROOT / "jobs/configs/alignment.yaml"),
        *("--set", "corpus.uri=photos", "--set", "corpus.held_out=domain0"),
        *("--set", "recipe.blocks.backbone.model=backbone", "--set", "recipe.stages.0.steps=40"),
        *("--set", "recipe.stages.0.validate_every_steps=20"),
        *("--set", f"out={out}", "--set", f"seed={seed}"),
        cwd=place,
    )
