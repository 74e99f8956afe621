"""Training through the real driver: Ray Train, DeepSpeed and tiny real models."""

import json
from pathlib import Path

import numpy as np
import pytest

from samesense.core.errors import ConfigError, TrainingError
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.corpus.splits import leave_domains_out
from samesense.experiments.training import train_on
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from samesense.training.driver import Trained
from samesense.training.options import (
    DeepSpeedOptions,
    TrainingCorpusOptions,
    TrainJob,
    WorkersOptions,
)
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS

pytestmark = pytest.mark.integration
HELD_OUT = "domain2"
STEPS = 6


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_patterns(tmp_path_factory.mktemp("corpus"), concepts=4, domains=3, each=12)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    recipe = load_recipe("alignment").with_block("backbone", model=str(folder))
    stage = recipe.stages[0]
    sizes = {"concepts_per_step": 4, "images_per_concept_and_domain": 2}
    sampler = stage.sampler.model_copy(update=sizes)
    changes = {"sampler": sampler, "steps": STEPS, "validate_every_steps": STEPS}
    return recipe.model_copy(update={"stages": (stage.model_copy(update=changes),)})


def train_here(
    out: Path, corpus: Path, recipe: Recipe, *, manifest: Manifest | None = None, **options: object
) -> Trained:
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri=str(corpus), held_out=HELD_OUT),
        recipe=recipe,
        out=str(out / "run"),
        cache=str(out / "cache"),
        **options,
    )
    whole = manifest or scan(str(corpus)).manifest
    return train_on(job, leave_domains_out(whole, held_out=(HELD_OUT,), seed=job.seed))


def measured(trained: Trained, name: str = "loss") -> list[float]:
    lines = (trained.artefact.folder.parent / "metrics.jsonl").read_text().splitlines()
    return [line[name] for line in map(json.loads, lines) if name in line]


@pytest.fixture(scope="module")
def alone(
    tmp_path_factory: pytest.TempPathFactory, corpus: Path, recipe: Recipe, ray_cluster: None
) -> Trained:
    """One worker, nothing sharded."""
    options = DeepSpeedOptions(zero_stage=0)
    return train_here(tmp_path_factory.mktemp("alone"), corpus, recipe, deepspeed=options)


def test_two_workers_learn_what_one_learns(
    tmp_path: Path, corpus: Path, recipe: Recipe, alone: Trained
) -> None:
    together = train_here(
        tmp_path,
        corpus,
        recipe,
        workers=WorkersOptions(count=2, cpus_per_worker=0.5),
        deepspeed=DeepSpeedOptions(zero_stage=0),
    )
    assert len(measured(alone, "gradient_norm")) == STEPS
    for name in ("loss", "gradient_norm", "alignment", "uniformity"):
        assert measured(together, name) == pytest.approx(measured(alone, name), rel=1e-4)
    h_ND = np.random.default_rng(0).normal(size=(16, 32)).astype(np.float32)
    vectors = [trained.artefact.aligner().align_vectors(h_ND) for trained in (together, alone)]
    assert np.allclose(*vectors, atol=1e-3)


def test_a_step_in_parts_learns_what_a_whole_step_learns(
    tmp_path: Path, corpus: Path, recipe: Recipe, alone: Trained
) -> None:
    """Two workers, three parts each, parameters sharded: still the gradient of the whole batch."""
    stage = recipe.stages[0].model_copy(update={"images_per_forward": 3})
    in_parts = recipe.model_copy(update={"stages": (stage,)})
    together = train_here(
        tmp_path,
        corpus,
        in_parts,
        workers=WorkersOptions(count=2, cpus_per_worker=0.5),
        deepspeed=DeepSpeedOptions(zero_stage=3),
    )
    for name in ("loss", "gradient_norm", "loss/multi_positive", "alignment"):
        assert measured(together, name) == pytest.approx(measured(alone, name), rel=1e-4), name
    h_ND = np.random.default_rng(0).normal(size=(16, 32)).astype(np.float32)
    vectors = [trained.artefact.aligner().align_vectors(h_ND) for trained in (together, alone)]
    assert np.allclose(*vectors, atol=1e-3)


def test_sharding_in_bfloat16_trains_and_what_cannot_be_validated_keeps_its_last_weights(
    tmp_path: Path, recipe: Recipe, ray_cluster: None
) -> None:
    """At a rate too small for bfloat16, which moves only the float32 weights behind."""
    two_a_cell = write_patterns(tmp_path / "small", concepts=4, domains=3, each=2)
    options = DeepSpeedOptions(zero_stage=2, precision="bfloat16")
    optimiser = recipe.stages[0].optimiser.model_copy(update={"learning_rate": 1e-5})
    stage = recipe.stages[0].model_copy(update={"optimiser": optimiser})
    slow = recipe.model_copy(update={"stages": (stage,)})
    trained = train_here(tmp_path, two_a_cell, slow, deepspeed=options)
    assert np.isfinite(measured(trained)).all()
    assert trained.artefact.record.metrics == {}


def test_a_run_is_repeated_to_the_bit_and_never_looks_at_the_held_out_domain(
    tmp_path: Path, corpus: Path, recipe: Recipe, alone: Trained
) -> None:
    manifest = scan(str(corpus)).manifest
    elsewhere = tmp_path / "corpus"
    moved = [
        row | {"uri": row["uri"].replace(str(corpus), str(elsewhere))}
        for row in manifest.table.to_pylist()
    ]
    for row, old in zip(moved, manifest.column("uri"), strict=True):
        target = Path(row["uri"])
        target.parent.mkdir(parents=True, exist_ok=True)
        if row["domain"] != HELD_OUT:
            target.write_bytes(Path(old).read_bytes())
    options = DeepSpeedOptions(zero_stage=0)
    again = train_here(
        tmp_path, elsewhere, recipe, manifest=Manifest.from_rows(moved), deepspeed=options
    )
    assert again.artefact.record.fingerprint == alone.artefact.record.fingerprint


def test_a_training_image_that_is_gone_is_named(
    tmp_path: Path, corpus: Path, recipe: Recipe, ray_cluster: None
) -> None:
    rows = scan(str(corpus)).manifest.table.to_pylist()
    lost = [row | {"uri": row["uri"] + ".gone"} for row in rows if row["domain"] != HELD_OUT]
    manifest = Manifest.from_rows(lost + [row for row in rows if row["domain"] == HELD_OUT])
    with pytest.raises(TrainingError, match=r"png\.gone: unreadable"):
        train_here(tmp_path, corpus, recipe, manifest=manifest)


def test_a_loss_that_explodes_is_told_with_its_step(
    tmp_path: Path, corpus: Path, recipe: Recipe, ray_cluster: None
) -> None:
    optimiser = recipe.stages[0].optimiser.model_copy(update={"learning_rate": 1e30})
    stage = recipe.stages[0].model_copy(update={"optimiser": optimiser})
    wild = recipe.model_copy(update={"stages": (stage,)})
    with pytest.raises(TrainingError, match=r"step \d+: image.* not finite; lower optimiser"):
        train_here(tmp_path, corpus, wild)


def test_workers_that_cannot_be_placed_are_refused(
    tmp_path: Path, corpus: Path, recipe: Recipe, ray_cluster: None
) -> None:
    workers = WorkersOptions(count=2, cpus_per_worker=500)
    with pytest.raises(ConfigError, match=r"lower workers\.cpus_per_worker"):
        train_here(tmp_path, corpus, recipe, workers=workers)
