"""CLIP and SigLIP, on tiny models of their real architectures."""

import pickle
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from samesense.core.errors import ModelError
from samesense.encoder.towers.clip import ClipTower
from samesense.encoder.towers.options import ClipTowerOptions
from tests.fixtures.tiny_models import DUAL, draw_images

ModelFolder = Callable[[str], Path]
SIZES = [(40, 64), (64, 40), (33, 33)]
TEXTS = ["dog", "a longer text", "house"]
NEAR = {"rtol": 0, "atol": 1e-5}
every_family = pytest.mark.parametrize("family", DUAL)


def load(folder: Path, **options: Any) -> ClipTower:
    return ClipTower.load(ClipTowerOptions(kind="clip", model=str(folder), **options))


@torch.inference_mode()
def embed(tower: ClipTower, items: list[Any]) -> Tensor:
    is_text = isinstance(items[0], str)
    return tower(tower.prepare_texts(items) if is_text else tower.prepare_images(items))


@every_family
@pytest.mark.parametrize("items", [draw_images(sizes=SIZES), TEXTS], ids=["images", "texts"])
def test_a_vector_depends_on_its_item_alone(
    model_folder: ModelFolder, family: str, items: list[Any]
) -> None:
    tower = load(model_folder(family))
    together = embed(tower, items)
    assert together.shape == (len(items), tower.width)
    torch.testing.assert_close(
        together, torch.cat([embed(tower, [item]) for item in items]), **NEAR
    )
    torch.testing.assert_close(together, embed(tower, items[::-1]).flip(0), **NEAR)
    assert torch.pdist(together).min() > 0.1


@every_family
def test_vectors_are_those_of_the_plain_model(model_folder: ModelFolder, family: str) -> None:
    folder = model_folder(family)
    plain, tokenizer = (
        AutoModel.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    pictures = AutoImageProcessor.from_pretrained(folder, backend="pil")
    images = draw_images(sizes=SIZES)
    filled = (
        {"padding": "max_length", "max_length": 24} if family == "siglip" else {"padding": True}
    )
    tokens = tokenizer(TEXTS, return_tensors="pt", **filled)
    if family == "siglip":
        del tokens["attention_mask"]
    with torch.inference_mode():
        seen = plain.get_image_features(**pictures(images, return_tensors="pt")).pooler_output
        read = plain.get_text_features(**tokens).pooler_output
    tower = load(folder)
    torch.testing.assert_close(embed(tower, images), seen, **NEAR)
    torch.testing.assert_close(embed(tower, TEXTS), read, **NEAR)


@every_family
def test_a_thin_strip_costs_no_more_than_a_large_picture(
    model_folder: ModelFolder, family: str
) -> None:
    tower = load(model_folder(family))
    tracemalloc.start()
    try:
        vector = embed(tower, [Image.new("RGB", (1, 30_000), "teal")])
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert torch.isfinite(vector).all()
    assert most_bytes < 100_000_000


@every_family
def test_a_new_term_is_one_token_and_hides_nothing_after_it(
    model_folder: ModelFolder, family: str
) -> None:
    tower = load(model_folder(family), added_terms=("NDVI", "a"))
    assert tower.renderer.new_terms == ("NDVI",)
    lengths = [
        len(tower.renderer.tokenizer(text, add_special_tokens=False)["input_ids"])
        for text in ("NDVI", "ndvi", "sndvi")
    ]
    assert lengths == [1, 1, 5]
    dog, cat, shouted = embed(tower, ["ndvi dog", "ndvi cat", "NDVI dog"])
    assert (dog - cat).norm() > 0.1
    assert torch.equal(dog, shouted)


@every_family
def test_new_rows_are_small_and_the_same_every_time(model_folder: ModelFolder, family: str) -> None:
    terms = tuple(f"term{letter}" for letter in "abcdefghijklmnop")
    plain = load(model_folder(family)).model.text_model.get_input_embeddings().weight
    towers = [load(model_folder(family), added_terms=terms) for _ in range(2)]
    tables = [tower.model.text_model.get_input_embeddings().weight for tower in towers]
    assert torch.equal(*tables)
    assert torch.equal(tables[0][: len(plain)], plain)
    new = tables[0][len(plain) :]
    assert len(new) == len(terms)
    assert 0.017 < new.std() < 0.023


@every_family
def test_a_saved_tower_has_its_terms_already(
    model_folder: ModelFolder, family: str, tmp_path: Path
) -> None:
    tower, images = load(model_folder(family), added_terms=("ndvi",)), draw_images(sizes=SIZES)
    with torch.no_grad():
        tower.model.text_model.get_input_embeddings().weight[-1] += 1  # as training would
    tower.save(tmp_path)
    again = load(tmp_path, added_terms=("ndvi",))
    assert again.renderer.new_terms == ()
    texts = ["ndvi dog", "dog"]
    assert torch.equal(embed(again, texts), embed(tower, texts))
    assert torch.equal(embed(again, images), embed(tower, images))
    assert again.identity() == tower.identity() != load(model_folder(family)).identity()


@every_family
def test_a_text_too_long_is_cut(model_folder: ModelFolder, family: str) -> None:
    tower = load(model_folder(family))
    inputs = tower.prepare_texts(["word " * 100])
    assert inputs["input_ids"].shape == (1, tower.renderer.text_positions)
    assert embed(tower, ["word " * 100]).isfinite().all()


@every_family
def test_a_renderer_prepares_alone_in_another_process(
    model_folder: ModelFolder, family: str
) -> None:
    tower = load(model_folder(family), added_terms=("ndvi",))
    sent = pickle.loads(pickle.dumps(tower.renderer))
    assert torch.equal(
        sent.prepare_texts(["ndvi"])["input_ids"], tower.prepare_texts(["ndvi"])["input_ids"]
    )


def test_projections_have_names_that_a_recipe_can_match(model_folder: ModelFolder) -> None:
    names = [name for name, _ in load(model_folder("clip")).named_parameters()]
    projections = [name for name in names if re.search(r"(visual|text)_projection\.", name)]
    assert projections == ["model.visual_projection.weight", "model.text_projection.weight"]


def test_a_generative_model_is_sent_to_its_own_kind_of_tower(model_folder: ModelFolder) -> None:
    with pytest.raises(ModelError, match="kind 'mllm'"):
        load(model_folder("idefics3"))


def test_a_term_that_cannot_be_one_token_is_named(model_folder: ModelFolder) -> None:
    with pytest.raises(ModelError, match="one token each: ''"):
        load(model_folder("clip"), added_terms=("",))
