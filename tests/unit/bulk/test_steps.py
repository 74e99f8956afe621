"""The steps of bulk embedding, without Ray."""

from pathlib import Path

import numpy as np
import pytest

from samesense.artefact.folder import Artefact, save_artefact
from samesense.bulk.steps import EncodeTower, RenderImages
from samesense.corpus.decode import DecodeLimits
from samesense.encoder.build import build_encoder
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
    encode = EncodeTower(str(artefact.folder), modality="image", threads=1)
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
