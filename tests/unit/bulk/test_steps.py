"""The steps of bulk embedding, without Ray."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from samesense.artefact.folder import Artefact, save_artefact
from samesense.bulk.steps import EncodeTower, RenderImages
from samesense.corpus.decode import DecodeLimits
from samesense.encoder.build import build_encoder
from samesense.encoder.towers.options import LoraOptions, is_adapter
from samesense.recipe.load import load_recipe
from tests.fixtures.tiny_models import MLLMS, draw_images


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    folder = tmp_path_factory.mktemp("model")
    MLLMS["idefics3"](folder / "backbone")
    recipe = load_recipe("alignment").with_block("backbone", model=str(folder / "backbone"))
    encoder = build_encoder(recipe)
    return save_artefact(
        folder / "model", recipe=recipe, encoder=encoder, metrics={}, provenance={}
    )


@pytest.fixture
def render(artefact: Artefact) -> RenderImages:
    return RenderImages(tower=artefact.recipe.towers()["backbone"], limits=DecodeLimits())


def test_good_images_become_vectors_and_bad_ones_rejections(
    tmp_path: Path, artefact: Artefact, render: RenderImages
) -> None:
    pictures = draw_images(sizes=[(40, 30), (32, 32)])
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    names = ["0.png", "bad.png", "gone.png", "1.png"]
    rendered = render(names, uris=[str(tmp_path / name) for name in names])
    assert rendered.keys == ["0.png", "1.png"]
    assert [(key, why.reason) for key, why in rendered.rejected] == [
        ("bad.png", "not_an_image"),
        ("gone.png", "unreadable"),
    ]
    assert rendered.inputs is not None
    encode = EncodeTower(str(artefact.folder), view="image", threads=1)
    h = encode(rendered.inputs)
    assert np.allclose(
        artefact.aligner().align_vectors(h), artefact.encoder().embed_images(pictures), atol=1e-5
    )


def test_a_batch_of_bad_images_alone_asks_nothing_of_the_tower(
    tmp_path: Path, render: RenderImages
) -> None:
    rendered = render(["a"], uris=[str(tmp_path / "none.png")])
    assert rendered.keys == []
    assert rendered.inputs is None
    assert len(rendered.rejected) == 1


def test_a_tower_is_asked_without_its_adapter(tmp_path: Path, artefact: Artefact) -> None:
    recipe = artefact.recipe.with_block("backbone", lora=LoraOptions(rank=4))
    encoder = build_encoder(recipe)
    with torch.no_grad():
        for name, parameter in encoder.blocks.named_parameters():
            if is_adapter(name):
                parameter.normal_(std=0.1)
    folder = tmp_path / "adapted"
    adapted = save_artefact(folder, recipe=recipe, encoder=encoder, metrics={}, provenance={})
    picture = draw_images(sizes=[(32, 32)])
    inputs = pickle.dumps(artefact.encoder().renderer("image").prepare_images(picture))
    plain, without, whole = (
        EncodeTower(str(model.folder), view="image", threads=1, adapter=adapter)(inputs)
        for model, adapter in ((artefact, True), (adapted, False), (adapted, True))
    )
    assert np.array_equal(plain, without)
    assert not np.allclose(plain, whole, atol=1e-3)
    assert adapted.tower_fingerprint(adapter=False) == artefact.tower_fingerprint()
