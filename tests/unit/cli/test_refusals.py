"""Jobs that cannot work are refused before Ray starts, by place, key and the nearest name."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from samesense.artefact.folder import save_artefact
from samesense.encoder.build import build_encoder
from samesense.recipe.load import load_recipe
from samesense.training.options import TrainJob
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS

JOB = """\
corpus:
  uri: photos
  held_out: domain0
recipe:
  base: alignment
  blocks:
    backbone: {model: backbone}
out: runs/one
workers:
  count: 1
"""
ABLATION = """\
corpus:
  uri: photos
recipe:
  base: alignment
  blocks:
    backbone: {model: backbone}
out: runs/ablation
reference: usual
variants:
  usual: {}
  plain:
    blocks.align: {kind: linear}
"""
STAGE = (
    "{name: s, trainable: [aling], steps: 1, sampler: {kind: shuffled}, "
    "losses: [{kind: coherence, on: {z: image}}]}"
)


@dataclass(frozen=True)
class Refusal:
    """A command, what is wrong with its job, and what it says."""

    said: str
    words: tuple[str, ...] = ()
    old: str = ""
    new: str = ""
    command: tuple[str, ...] = ("train", "-c", "job.yaml")
    job: str = JOB


def of_ablation(said: str, *, old: str, new: str) -> Refusal:
    """An ablation that cannot work."""
    return Refusal(said, old=old, new=new, command=("ablate", "-c", "job.yaml"), job=ABLATION)


HAS = "(has: domain0, domain1, domain2). Did you mean 'domain0'?"
EVALUATE = ("evaluate", "--model", "trained", "--corpus", "photos")
WITHOUT_TORCH = {
    "an ablation that no page shows": Refusal(
        "--ablation: is shown on the page; say where with --report",
        command=(*EVALUATE, "--ablation", "ablation"),
    ),
    "a page whose numbers replace the results": Refusal(
        "--report: its numbers would be written over trained/results.json; name it anew",
        command=(*EVALUATE, "--report", "trained/results.html"),
    ),
    "a key": Refusal(
        "job.yaml:3: corpus.held_uot: unknown key. Did you mean 'held_out'?",
        old="held_out: domain0",
        new="held_uot: domain0",
    ),
    "a domain in the file": Refusal(
        f"job.yaml:3: corpus.held_out: no domain 'domian0' to hold out {HAS}",
        old="held_out: domain0",
        new="held_out: domian0",
    ),
    "a domain by --set": Refusal(
        f"--set corpus.held_out=domian0: corpus.held_out: no domain 'domian0' to hold out {HAS}",
        words=("--set", "corpus.held_out=domian0"),
    ),
    "a class": Refusal(
        "job.yaml:4: corpus.held_out_classes: no class 'concpet1' to hold out (has 6). Did you "
        "mean 'concept1'?",
        old="held_out: domain0",
        new="held_out: domain0\n  held_out_classes: concpet1",
    ),
    "a split": Refusal(
        "job.yaml:4: corpus.split: nowhere.json: cannot be read as a split (",
        old="held_out: domain0",
        new="held_out: domain0\n  split: nowhere.json",
    ),
    "a split and classes": Refusal(
        "job.yaml:5: corpus.split: says which classes are held out; leave held_out_classes empty",
        old="held_out: domain0",
        new="held_out: domain0\n  held_out_classes: concept1\n  split: nowhere.json",
    ),
    "a split and shares": Refusal(
        "job.yaml:5: corpus.shares: the split says what is kept for what; leave shares out",
        old="held_out: domain0",
        new="held_out: domain0\n  split: nowhere.json\n  shares: {gallery: 0.3}",
    ),
    "a variant of a protocol": Refusal(
        "command line: variant: official is of udcdr, uccdr, ucdr, not of dg",
        command=("evaluate", "--model", "m", "--corpus", "c", "--protocol", "dg"),
        words=("--variant", "official"),
    ),
    "a gallery of a protocol": Refusal(
        "command line: gallery: mixed is of ucdr, not of udcdr",
        command=("evaluate", "--model", "m", "--corpus", "c", "--gallery", "mixed"),
    ),
    "a rule's options": Refusal(
        "command line: rule: official needs gallery_domain and seen_domain",
        command=("corpus", "split", "photos", "-o", "x.json", "--rule", "official"),
    ),
    "all domains": Refusal(
        "job.yaml:3: corpus.held_out: holding out domain0, domain1, domain2 leaves no domain",
        old="held_out: domain0",
        new="held_out: [domain0, domain1, domain2]",
    ),
    "a corpus": Refusal(
        "job.yaml:2: corpus.uri: nowhere: no such folder or manifest",
        old="uri: photos",
        new="uri: nowhere",
    ),
    "a block": Refusal(
        "job.yaml:8: recipe.views.image.blocks.1: no block 'lats' (has: align, backbone, last). "
        "Did you mean 'last'?",
        old="out: runs",
        new="  views: {image: {blocks: [backbone, lats]}}\nout: runs",
    ),
    "a precision": Refusal(
        "job.yaml:8: deepspeed.precision: bfloat16 needs zero_stage 1 or more to keep float32",
        old="out: runs",
        new="deepspeed: {zero_stage: 0, precision: bfloat16}\nout: runs",
    ),
    "a reference": of_ablation(
        "job.yaml:8: reference: no variant 'usaul' (has: usual, plain). Did you mean 'usual'?",
        old="reference: usual",
        new="reference: usaul",
    ),
    "a variant's kind": of_ablation(
        "job.yaml:11: variants.plain.blocks.align.kind: no kind 'linaer' (has: ",
        old="kind: linear",
        new="kind: linaer",
    ),
    "a variant's path": of_ablation(
        "job.yaml:11: variants.plain.blokcs: unknown key. Did you mean 'blocks'?",
        old="blocks.align",
        new="blokcs.align",
    ),
    "a variant's wiring": of_ablation(
        "job.yaml:11: variants.plain.stages.0.losses.0.on",
        old="blocks.align: {kind: linear}",
        new="stages.0.losses: [{kind: coherence, on: {z: imgae}}]",
    ),
    "a variant's name": of_ablation(
        "job.yaml:11: variants.a/b",
        old="plain:",
        new="a/b:",
    ),
    "a domain of the ablation": of_ablation(
        f"job.yaml:3: corpus.held_out: no domain 'domian0' to hold out {HAS}",
        old="uri: photos\n",
        new="uri: photos\n  held_out: domian0\n",
    ),
    "a domain of the demo": Refusal(
        f"command line: held_out: no domain 'domian0' to hold out {HAS}",
        command=("demo", "--corpus", "photos", "--held-out", "domian0"),
    ),
}
BUILD = ("index", "build", "i", "--vectors", "vectors", "--kind")
WITHOUT_TORCH |= {
    "an index's kind": Refusal(
        "--kind: kind.kind: no kind 'hnws' (has: flat, hnsw, ivf). Did you mean 'hnsw'?",
        command=(*BUILD, "hnws"),
    ),
    "an index's parameter": Refusal(
        "--set kind.lniks=32: kind.lniks: unknown key. Did you mean 'links'?",
        command=(*BUILD, "hnsw", "--set", "kind.lniks=32"),
    ),
}
WITH_TORCH = {
    "a pattern": Refusal(
        "job.yaml:6: recipe.stages.0.trainable.0: 'aling' matches no parameter (blocks with",
        old="  blocks:",
        new=f"  stages: [{STAGE}]\n  blocks:",
    ),
    "a backbone": Refusal(
        "job.yaml:7: recipe.blocks.backbone.model: ",
        old="model: backbone",
        new="model: backbnoe",
    ),
    "concepts of a step": Refusal(
        "--set recipe.stages.0.sampler.concepts_per_step=7: recipe.stages.0.sampler."
        "concepts_per_step: 7 concepts a step, but training has 6; take at most 6",
        words=("--set", "recipe.stages.0.sampler.concepts_per_step=7"),
    ),
    "shares of a step": Refusal(
        "job.yaml:10: workers.count: the 80 items of a step of stage 'align' cannot be shared "
        "equally by 3 workers; change the sampler or the workers",
        old="count: 1",
        new="count: 3",
    ),
    "what to embed": Refusal(
        "--corpus: corpus.uri: nowhere: no such folder or manifest",
        command=("embed", "--model", "trained", "--corpus", "nowhere", "--index", "i"),
    ),
    "what to evaluate": Refusal(
        "no domain 'domain0' to hold out (has: domain1, domain2).",
        command=("evaluate", "--model", "trained", "--corpus", "fewer"),
    ),
}
REFUSALS = WITHOUT_TORCH | WITH_TORCH
RUN = """
import contextlib, io, json, pathlib, sys
from samesense.cli.main import main

for name, refusal in json.loads(sys.argv[1]).items():
    pathlib.Path("job.yaml").write_text(refusal["job"])
    sys.argv[1:] = refusal["words"]
    said, code = io.StringIO(), 0
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as end:
            code = end.code
    loaded = {"torch", "transformers", "ray"} & sys.modules.keys()
    ray_runs = "ray" in loaded and sys.modules["ray"].is_initialized()
    print(json.dumps([name, code, said.getvalue(), sorted(loaded), ray_runs]))
"""


def save_untrained(folder: Path, *, backbone: Path) -> None:
    """Write an artefact that says that a job without domain0 has trained it."""
    recipe = load_recipe("alignment").with_block("backbone", model=str(backbone))
    job = TrainJob(corpus={"uri": "photos", "held_out": "domain0"}, recipe=recipe, out="runs/one")
    save_artefact(
        folder,
        recipe=recipe,
        encoder=build_encoder(recipe),
        metrics={},
        provenance={"config": job.model_dump(mode="json")},
    )


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What came of all commands, one after another in one process, those without torch first."""
    place = tmp_path_factory.mktemp("place")
    write_patterns(place / "photos", concepts=6, domains=3, each=8)
    shutil.copytree(place / "photos", place / "fewer", ignore=lambda *_: ["domain0"])
    MLLMS["idefics3"](place / "backbone")
    save_untrained(place / "trained" / "model", backbone=place / "backbone")
    todo = {}
    for name, refusal in REFUSALS.items():
        assert refusal.old in refusal.job
        words = [*refusal.command, *refusal.words]
        todo[name] = {"job": refusal.job.replace(refusal.old, refusal.new, 1), "words": words}
    command = [sys.executable, "-c", RUN, json.dumps(todo)]
    run = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert not (place / "runs" / "one" / "checkpoints").exists()
    return {name: outcome for name, *outcome in lines}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_place_and_key_and_starts_nothing(
    refused: dict[str, list[Any]], name: str
) -> None:
    code, said, loaded, ray_runs = refused[name]
    assert said.splitlines()[-1].removeprefix("samesense: ").startswith(REFUSALS[name].said)
    assert (code, ray_runs) == (2, False)
    if name in WITHOUT_TORCH:
        assert loaded == []
