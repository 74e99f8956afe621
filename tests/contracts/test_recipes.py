"""What every recipe of the library must keep, on real Ray, DeepSpeed and tiny real models."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from samesense.artefact.folder import load_artefact, load_encoder
from samesense.cli.pictures import load_picture
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.encoder.encoder import Encoder
from samesense.experiments.training import train_on
from samesense.recipe.load import load_recipe, names
from samesense.recipe.options import Recipe
from samesense.training.driver import Trained
from samesense.training.options import TrainingCorpusOptions, TrainJob, WorkersOptions
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import DUAL, MLLMS
from tests.fixtures.warm_training import train_warm

BUILDERS = {"mllm": MLLMS["idefics3"], "clip": DUAL["clip"]}
STEPS = {
    "alignment": (400,),
    "alignment_lora": (200, 20),
    "clip_domain": (20, 300),
    "scratch": (300,),
}
COMPARED_ELSEWHERE = {"alignment_lora"}
"""Whose ranks are compared with one, faster and more sharply, in integration/test_lora_ranks.py."""
ITEMS = {"concepts": 8, "domains": 4, "each": 1}


def tiny(recipe: Recipe, folder: Path, *, steps: Sequence[int]) -> Recipe:
    """The recipe on tiny models, with so many steps a stage and rates for 32 items."""
    blocks = dict(recipe.blocks)
    for name, tower in recipe.towers().items():
        BUILDERS[tower.kind](folder / name)
        blocks[name] = tower.model_copy(update={"model": str(folder / name)})
    stages = []
    for stage, count in zip(recipe.stages, steps, strict=True):
        sizes = (
            {"items_per_step": 32}
            if stage.sampler.kind == "shuffled"
            else {"concepts_per_step": 8, "images_per_concept_and_domain": 1}
        )
        rate = {"learning_rate": 3e-3 if stage.name in ("align", "projections") else 1e-3}
        stages.append(
            stage.model_copy(
                update={
                    "steps": count,
                    "sampler": stage.sampler.model_copy(update=sizes),
                    "optimiser": stage.optimiser.model_copy(update=rate),
                    "validate_every_steps": None,
                }
            )
        )
    return recipe.model_copy(update={"blocks": blocks, "stages": tuple(stages)})


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = write_patterns(tmp_path_factory.mktemp("corpus"), **ITEMS)
    manifest = scan(str(folder)).manifest
    # Both splits are needed; the few validation items are trained on too.
    rows = manifest.with_split(["train"] * 32).table.to_pylist()
    rows = [{**row, "text": f"{row['label']} as {row['domain']}"} for row in rows]
    return Manifest.from_rows([*rows, {**rows[0], "id": "v", "split": "validation"}])


@pytest.fixture(scope="module", params=names())
def trained(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    items: Manifest,
    ray_cluster: None,
) -> Trained:
    out = tmp_path_factory.mktemp(request.param)
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri="patterns", held_out="none"),
        recipe=tiny(load_recipe(request.param), out / "models", steps=STEPS[request.param]),
        out=str(out / "run"),
        cache=str(out / "cache"),
    )
    return train_warm(job, items)


def training_images(items: Manifest) -> list:
    return [load_picture(uri) for uri in items.of(splits=("train",)).column("uri")]


def test_thirty_two_items_are_learned_by_heart(trained: Trained, items: Manifest) -> None:
    encoder = trained.artefact.encoder()
    seen = items.of(splits=("train",))
    z = encoder.embed_images(training_images(items))
    if contrasts_pairs(trained.artefact.recipe):
        similarity = z @ encoder.embed_texts(list(seen.column("text"))).T
        assert (similarity.argmax(axis=1) == np.arange(32)).mean() == 1.0
        assert (similarity.argmax(axis=0) == np.arange(32)).mean() == 1.0
    else:
        label, domain = seen.column("label"), seen.column("domain")
        similarity = np.where(domain[:, None] == domain[None, :], -2.0, z @ z.T)
        assert (label[similarity.argmax(axis=1)] == label).mean() == 1.0


def contrasts_pairs(recipe: Recipe) -> bool:
    losses = recipe.stages[-1].losses
    return any(loss.kind == "info_nce" and loss.positives != "concept" for loss in losses)


def test_exactly_the_declared_parameters_change(trained: Trained) -> None:
    run = trained.artefact.folder.parent
    recipe = trained.artefact.recipe
    folders = [run / "start", *(run / f"after-{s.name}" for s in recipe.stages[:-1]), run / "model"]
    weights = [parameters(load_artefact(folder).encoder()) for folder in folders]
    for stage, before, after in zip(recipe.stages, weights[:-1], weights[1:], strict=True):
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        declared = {name for name in before if any(matches(p, name) for p in stage.trainable)}
        assert changed == declared
        assert declared


def parameters(encoder: Encoder) -> Mapping[str, torch.Tensor]:
    return dict(encoder.blocks.named_parameters())


def matches(pattern: str, name: str) -> bool:
    import re

    return re.fullmatch(pattern, name) is not None


def test_a_loaded_model_gives_the_same_vectors(trained: Trained, items: Manifest) -> None:
    images = training_images(items)[:6]
    first = load_encoder(trained.artefact.folder)
    second = load_encoder(trained.artefact.folder.parent)
    assert np.array_equal(first.embed_images(images), second.embed_images(images))
    assert np.array_equal(first.embed_texts(["a", "b c"]), second.embed_texts(["a", "b c"]))
    assert first.fingerprint == second.fingerprint == trained.artefact.record.fingerprint


def test_cached_vectors_give_what_the_whole_encoder_gives(
    trained: Trained, items: Manifest
) -> None:
    images = training_images(items)[:6]
    encoder, aligner = trained.artefact.encoder(), trained.artefact.aligner()
    with torch.inference_mode():
        view = encoder.options.vector["image"]
        inputs = encoder.renderer("image").prepare_images(images)
        h = encoder.tower_vectors(view, inputs=inputs).numpy()
    assert np.allclose(aligner.align_vectors(h), encoder.embed_images(images), atol=1e-6)
    assert aligner.fingerprint == encoder.fingerprint


def test_a_vector_does_not_depend_on_its_neighbours(trained: Trained, items: Manifest) -> None:
    images = training_images(items)[:7]
    encoder = trained.artefact.encoder()
    together = encoder.embed_images(images)
    alone = np.concatenate([encoder.embed_images([image]) for image in images])
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together, alone, atol=1e-5)
    texts = ["dog", "a long sentence about some guitar", "x"]
    alone_texts = np.concatenate([encoder.embed_texts([text]) for text in texts])
    assert np.allclose(encoder.embed_texts(texts), alone_texts, atol=1e-5)


def test_trained_weights_lie_where_the_layout_says(trained: Trained) -> None:
    folder = trained.artefact.folder
    stored = {name.split(".")[0] for name in load_file(folder / "weights.safetensors")}
    assert not stored & set(trained.artefact.recipe.towers())
    assert (folder / "README.md").read_text().startswith(f"# {trained.artefact.recipe.name}")


@pytest.mark.parametrize("name", sorted(set(names()) - COMPARED_ELSEWHERE))
def test_two_ranks_learn_what_one_learns(
    name: str, tmp_path: Path, items: Manifest, ray_cluster: None
) -> None:
    whole = load_recipe(name)
    last = whole.model_copy(update={"stages": whole.stages[-1:]})
    recipe = tiny(last, tmp_path / "models", steps=[3])
    losses = []
    for workers, train in ((1, train_warm), (2, train_on)):
        job = TrainJob(
            corpus=TrainingCorpusOptions(uri="patterns", held_out="none"),
            recipe=recipe,
            out=str(tmp_path / f"run{workers}"),
            cache=str(tmp_path / "cache"),
            workers=WorkersOptions(count=workers, cpus_per_worker=0.5),
        )
        train(job, items)
        lines = (Path(job.out) / "metrics.jsonl").read_text().splitlines()
        losses.append([json.loads(line)["loss"] for line in lines])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
