"""A closed-form stage, and a stage with every way to play a role, through the real driver."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from samesense.artefact.folder import load_artefact
from samesense.core.config import load_options
from samesense.corpus.manifest import Manifest
from samesense.experiments.training import train_on
from samesense.recipe.load import find_recipe
from samesense.recipe.options import Recipe
from samesense.training.driver import Trained
from samesense.training.options import (
    DeepSpeedOptions,
    TrainingCorpusOptions,
    TrainJob,
    WorkersOptions,
)
from samesense.vectors.cache import VectorCache
from tests.fixtures.corpora import pattern_manifest
from tests.fixtures.tiny_models import MLLMS
from tests.fixtures.warm_training import train_warm

pytestmark = [pytest.mark.integration, pytest.mark.long]
RECIPE = """
base: alignment
blocks:
  white: {kind: domain_whiten}
  classes: {kind: prototypes, of: concept}
  domains: {kind: prototypes, of: domain}
  variances: {kind: variances}
  temperature: {kind: temperature}
  reverse: {kind: reverse}
  critic: {kind: mlp, hidden: 16}
views:
  image: {blocks: [backbone, last, white, align]}
  critic: {input: image, blocks: [backbone, last, white, align, reverse, critic]}
stages:
  - {kind: fit, name: whiten, block: white}
  - name: align
    trainable: ['(?!backbone).*']
    sampler: {kind: concepts_by_domains, concepts_per_step: 4, images_per_concept_and_domain: 2}
    steps: 3
    losses:
      - {kind: multi_positive, on: {z: image, temperature: temperature}}
      - {kind: semantic_relations, on: {z: image, concepts: names}}
      - {kind: arcface, on: {z: image, classes: classes}}
      - {kind: cross_entropy, labels: domain, on: {z: critic, classes: domains}, ramp_share: 0.5}
      - {kind: miro, on: {z: image, h: frozen, variances: variances}}
      - {kind: style, on: {z: image}}
"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return pattern_manifest(tmp_path_factory.mktemp("corpus"), concepts=4, domains=3, each=6)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("recipe")
    MLLMS["idefics3"](folder / "backbone")
    (folder / "recipe.yaml").write_text(RECIPE)
    model = f"blocks.backbone.model={folder / 'backbone'}"
    return load_options(
        folder / "recipe.yaml", kind=Recipe, overrides=[model], find_base=find_recipe
    )


def train_here(out: Path, manifest: Manifest, recipe: Recipe, *, count: int, zero: int) -> Trained:
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri="patterns", held_out="none"),
        recipe=recipe,
        out=str(out / "run"),
        cache=str(out / "cache"),
        workers=WorkersOptions(count=count, cpus_per_worker=0.5),
        deepspeed=DeepSpeedOptions(zero_stage=zero),
    )
    return train_on(job, manifest) if count > 1 else train_warm(job, manifest)


def losses(trained: Trained) -> list[float]:
    lines = (trained.artefact.folder.parent / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


@pytest.fixture(scope="module")
def alone(
    tmp_path_factory: pytest.TempPathFactory, manifest: Manifest, recipe: Recipe, ray_cluster: None
) -> Trained:
    return train_here(tmp_path_factory.mktemp("alone"), manifest, recipe, count=1, zero=0)


def test_a_closed_form_is_fitted_on_the_training_images_and_nothing_else_changes(
    alone: Trained, manifest: Manifest
) -> None:
    run = alone.artefact.folder.parent
    before, after = (load_artefact(run / f).aligner().blocks for f in ("start", "after-whiten"))
    changed = {
        name
        for name, tensor in after.state_dict().items()
        if not torch.equal(tensor, before.state_dict()[name])
    }
    assert changed == {"white.map", "white.shift"}
    assert torch.equal(alone.artefact.aligner().blocks["white"].map, after["white"].map)

    training = manifest.of(splits=("train",))
    cache = VectorCache(
        run.parent / "cache", fingerprint=load_artefact(run / "start").tower_fingerprint()
    )
    h = torch.from_numpy(cache.get(list(training.column("content_hash"))))
    domain = training.column("domain")
    means = [after["white"](h[torch.from_numpy(domain == d)]).mean(dim=0) for d in set(domain)]
    raw = [h[torch.from_numpy(domain == d)].mean(dim=0) for d in set(domain)]
    assert (raw[1] - raw[0]).norm() > 1e-2
    assert all((mean - means[0]).norm() < 1e-4 for mean in means)


def test_classes_are_counted_and_everything_declared_learned(alone: Trained) -> None:
    blocks = alone.artefact.recipe.blocks
    assert (blocks["classes"].count, blocks["domains"].count) == (4, 3)
    aligner = alone.artefact.aligner()
    align = alone.artefact.recipe.stages[1]
    trained = {
        n: p.numel()
        for n, p in aligner.blocks.named_parameters()
        if any(re.fullmatch(pattern, n) for pattern in align.trainable)
    }
    assert alone.trained_parameters == sum(trained.values()) + 32 * 32 + 32
    learned = aligner.learned()
    assert learned["classes"].shape == (4, 32)
    assert learned["domains"].shape == (3, 32)


def test_two_ranks_with_sharded_weights_and_divided_steps_learn_the_same(
    tmp_path: Path, manifest: Manifest, recipe: Recipe, alone: Trained
) -> None:
    fit, align = recipe.stages
    divided = align.model_copy(update={"images_per_forward": 5})
    recipe = recipe.model_copy(update={"stages": (fit, divided)})
    together = train_here(tmp_path, manifest, recipe, count=2, zero=3)
    assert losses(together) == pytest.approx(losses(alone), rel=1e-4)
    one, two = (t.artefact.aligner() for t in (alone, together))
    h = np.random.default_rng(0).normal(size=(16, 32)).astype(np.float32)
    assert np.allclose(one.align_vectors(h), two.align_vectors(h), atol=1e-3)
    for name, tensor in one.learned().items():
        torch.testing.assert_close(two.learned()[name], tensor, atol=1e-3, rtol=1e-3)
