"""A trained model as a folder: whole or not at all, and the same vectors back."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from samesense.artefact import folder as artefact_folder
from samesense.artefact.export import export_tower
from samesense.artefact.folder import load_artefact, load_encoder, save_artefact, unaligned
from samesense.artefact.registry import find_artefacts
from samesense.core.errors import ArtefactError, ModelError
from samesense.encoder.build import build_encoder
from samesense.encoder.encoder import Encoder
from samesense.encoder.towers.options import is_adapter
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from tests.fixtures.tiny_models import MLLMS, draw_images

IMAGES = draw_images(sizes=[(32, 32)] * 2)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    MLLMS["idefics3"](tmp_path / "backbone")
    return load_recipe("alignment").with_block("backbone", model=str(tmp_path / "backbone"))


def trained(recipe: Recipe, *, seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    encoder = build_encoder(recipe)
    with torch.no_grad():
        for parameter in encoder.blocks["align"].parameters():
            parameter.normal_(std=0.1)
    return encoder


@pytest.fixture
def lora(tmp_path: Path) -> Recipe:
    MLLMS["idefics3"](tmp_path / "backbone")
    recipe = load_recipe("alignment_lora").with_adapter("backbone", rank=4)
    return recipe.with_block("backbone", model=str(tmp_path / "backbone"))


def adapted(lora: Recipe) -> Encoder:
    encoder = trained(lora)
    with torch.no_grad():
        for name, parameter in encoder.blocks.named_parameters():
            if is_adapter(name):
                parameter.normal_(std=0.1)
    return encoder


def save(
    place: Path,
    recipe: Recipe,
    encoder: Encoder,
    *changed: str,
    adapters: frozenset[str] = frozenset(),
) -> Path:
    return save_artefact(
        place / "run" / "model",
        recipe=recipe,
        encoder=encoder,
        changed_towers=frozenset(changed),
        trained_adapters=adapters,
        metrics={"validation mAP@200": 0.5},
        provenance={"seed": 7, "corpus": {"held_out": "sketch"}},
    ).folder


def test_a_model_comes_back_with_its_vectors(tmp_path: Path, recipe: Recipe) -> None:
    encoder = trained(recipe)
    folder = save(tmp_path, recipe, encoder)
    for place in (folder, folder.parent, str(folder)):
        back = load_encoder(place)
        assert np.array_equal(back.embed_images(IMAGES), encoder.embed_images(IMAGES))
        assert back.fingerprint == encoder.fingerprint
    assert not (folder / "towers").exists()
    assert load_artefact(folder).record.metrics == {"validation mAP@200": 0.5}


def test_a_tower_that_was_trained_travels_along(tmp_path: Path, recipe: Recipe) -> None:
    encoder = trained(recipe)
    with torch.no_grad():
        next(encoder.blocks["backbone"].parameters()).mul_(1.5)
    folder = save(tmp_path, recipe, encoder, "backbone")
    moved = folder.parent.rename(tmp_path / "moved")
    (tmp_path / "backbone").rename(tmp_path / "gone")
    back = load_encoder(moved)
    assert np.array_equal(back.embed_images(IMAGES), encoder.embed_images(IMAGES))
    assert back.fingerprint == encoder.fingerprint


def test_a_tower_that_changed_since_training_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    folder = save(tmp_path, recipe, trained(recipe))
    weights = tmp_path / "backbone" / "model.safetensors"
    tensors = load_file(weights)
    tensors[sorted(tensors)[0]] += 0.01
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(ArtefactError, match="has changed since training"):
        load_encoder(folder)


@pytest.mark.parametrize("fault", ["missing", "surplus"])
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, recipe: Recipe, fault: str) -> None:
    folder = save(tmp_path, recipe, trained(recipe))
    weights = load_file(folder / "weights.safetensors")
    if fault == "missing":
        del weights["align.gate.weight"]
    else:
        weights["align.more"] = torch.zeros(1)
    save_file(weights, folder / "weights.safetensors")
    with pytest.raises(ArtefactError, match=r"align\.(gate\.weight|more)"):
        load_artefact(folder).aligner()


def test_a_folder_of_another_format_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    folder = save(tmp_path, recipe, trained(recipe))
    record = json.loads((folder / "artefact.json").read_text())
    (folder / "artefact.json").write_text(json.dumps(record | {"format": 99}))
    with pytest.raises(ArtefactError, match="has format 99, this version of samesense reads 1"):
        load_artefact(folder)


def test_a_folder_that_is_no_model_is_told_with_the_nearest(tmp_path: Path, recipe: Recipe) -> None:
    save(tmp_path, recipe, trained(recipe))
    with pytest.raises(ArtefactError, match=r"no such folder.*Did you mean 'run'"):
        load_artefact(tmp_path / "runn")
    with pytest.raises(ArtefactError, match=r"backbone: is a backbone, .* train an alignment"):
        load_artefact(tmp_path / "backbone")
    (tmp_path / "runs").mkdir()
    with pytest.raises(ArtefactError, match=r"runs: is no trained model .*Did you mean 'run'\?$"):
        load_artefact(tmp_path / "runs")


def test_a_crash_while_saving_leaves_the_old_model_and_no_litter(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(recipe)
    folder = save(tmp_path, recipe, first)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(artefact_folder, "model_card", full_disk)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, recipe, trained(recipe, seed=1))
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    assert load_artefact(folder).record.fingerprint == first.fingerprint


def test_models_below_a_folder_are_found_and_broken_ones_passed_over(
    tmp_path: Path, recipe: Recipe
) -> None:
    good = save(tmp_path / "a", recipe, trained(recipe))
    broken = save(tmp_path / "b", recipe, trained(recipe))
    (broken / "recipe.yaml").write_text("name: [")
    assert [found.folder for found in find_artefacts(tmp_path)] == [good]
    card = (good / "README.md").read_text()
    assert "held out: sketch" in card
    assert "| validation mAP@200 | 0.5000 |" in card


def test_an_adapter_travels_alone_and_comes_back(tmp_path: Path, lora: Recipe) -> None:
    encoder = adapted(lora)
    folder = save(tmp_path, lora, encoder, adapters=frozenset({"backbone"}))
    moved = folder.parent.rename(tmp_path / "moved") / "model"
    back = load_artefact(moved)
    assert not (moved / "towers").exists()
    assert "LoRA adapter of rank 4 in `adapters/backbone`" in (moved / "README.md").read_text()
    assert np.array_equal(back.encoder().embed_images(IMAGES), encoder.embed_images(IMAGES))
    assert back.encoder().fingerprint == back.record.fingerprint == encoder.fingerprint
    for adapter in (True, False):
        expected = encoder.tower_fingerprint(adapter=adapter)
        assert back.tower_fingerprint(adapter=adapter) == expected

    plain = load_encoder(tmp_path / "backbone").tower()
    plain.model = PeftModel.from_pretrained(plain.model, moved / "adapters" / "backbone")
    assert torch.equal(states(plain.model.get_base_model(), encoder), states(None, encoder))


def states(model: object, encoder: Encoder) -> torch.Tensor:
    tower = encoder.tower()
    inputs = tower.prepare_images(IMAGES)
    with torch.inference_mode():
        chosen = tower.model.get_base_model() if model is None else model
        return chosen.base_model(**inputs).last_hidden_state


def test_an_adapter_that_is_void_never_takes_the_place_of_a_model(
    tmp_path: Path, lora: Recipe
) -> None:
    folder = save(tmp_path, lora, trained(lora))
    fingerprint = load_artefact(folder).record.fingerprint
    with pytest.raises(ModelError, match="every lora_B is zero after training"):
        save(tmp_path, lora, trained(lora, seed=1), adapters=frozenset({"backbone"}))
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    assert load_artefact(folder).record.fingerprint == fingerprint


def test_an_adapter_that_changed_since_training_is_refused(tmp_path: Path, lora: Recipe) -> None:
    folder = save(tmp_path, lora, adapted(lora))
    weights = folder / "adapters" / "backbone" / "adapter_model.safetensors"
    tensors = load_file(weights)
    tensors[sorted(tensors)[0]] += 0.01
    save_file(tensors, weights)
    with pytest.raises(ArtefactError, match="has changed since training"):
        load_encoder(folder)


def test_an_exported_tower_is_a_backbone_with_the_same_vectors(
    tmp_path: Path, lora: Recipe
) -> None:
    artefact = load_artefact(save(tmp_path, lora, adapted(lora)))
    export_tower(artefact, tmp_path / "exported")
    with pytest.raises(ArtefactError, match="exported: is not empty"):
        export_tower(artefact, tmp_path / "exported")
    vectors = []
    for encoder in (artefact.encoder(), build_encoder(unaligned(str(tmp_path / "exported")))):
        inputs = encoder.renderer("image").prepare_images(IMAGES)
        with torch.inference_mode():
            vectors.append(encoder.tower_vectors("image", inputs=inputs))
    torch.testing.assert_close(vectors[0], vectors[1], rtol=0, atol=1e-5)
    names = {path.name for path in (tmp_path / "exported").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if "adapter" in name]


def test_an_aligner_is_read_without_what_only_towers_need() -> None:
    code = "import sys, samesense.artefact.folder; print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
