import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samesense.artefact.folder import Artefact
from samesense.serving.embedding import Loaded
from samesense.serving.errors import ApiError
from samesense.serving.items import Picture, Text
from samesense.serving.options import LimitOptions
from samesense.serving.rendering import Rendered, render
from tests.fixtures.trained_models import write_model

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    place = tmp_path_factory.mktemp("model")
    return write_model(place / "model", backbone=place / "backbone", seed=0)


@pytest.fixture(scope="module")
def loaded(model: Artefact) -> Loaded:
    return Loaded.from_folder(str(model.folder), device="cpu")


def picture(colour: str, *, side_px: int = 40) -> Picture:
    buffer = io.BytesIO()
    Image.new("RGB", (side_px, side_px), colour).save(buffer, "PNG")
    return Picture(buffer.getvalue())


def rendered(model: Artefact, *items: Text | Picture) -> list[Rendered]:
    names = [f"input[{n}]" for n in range(len(items))]
    found = render(items, params=names, model=str(model.folder), limits=LimitOptions()).items
    assert all(isinstance(one, Rendered) for one in found)
    return [one for one in found if isinstance(one, Rendered)]


def test_items_share_forwards_and_keep_their_places(model: Artefact, loaded: Loaded) -> None:
    items: list[Text | Picture] = [
        Text("a dog"),
        picture("red"),
        Text("a much longer text of other words"),
        picture("blue", side_px=90),
        Text("a cat"),
        Text("a dog"),
    ]
    found = loaded.embed(rendered(model, *items), items_per_forward=2)
    encoder = model.encoder()
    for item, z_D in zip(items, found, strict=True):
        if isinstance(item, Text):
            alone = encoder.embed_texts([item.words])[0]
        else:
            alone = encoder.embed_images([Image.open(io.BytesIO(item.data))])[0]
        np.testing.assert_allclose(z_D, alone, atol=TOLERANCE)


def test_an_item_that_breaks_its_forward_spoils_no_other(model: Artefact, loaded: Loaded) -> None:
    good, bad = rendered(model, Text("a dog"), Text("a cat"))
    beyond = np.full_like(bad.inputs["input_ids"], 10**6)
    bad = Rendered("text", bad.inputs | {"input_ids": beyond})
    assert bad.shape == good.shape
    first, second = loaded.embed([good, bad], items_per_forward=8)
    np.testing.assert_allclose(first, model.encoder().embed_texts(["a dog"])[0], atol=TOLERANCE)
    assert isinstance(second, ApiError)
    assert second.status == 422


def test_what_cannot_be_rendered_is_refused_by_name(model: Artefact) -> None:
    limits = LimitOptions()
    found = render(
        [Picture(b"no image"), Text("fine"), Picture(b"")],
        params=["a", "b", "c"],
        model=str(model.folder),
        limits=limits,
    ).items
    assert isinstance(found[1], Rendered)
    for place, name in ((0, "a"), (2, "c")):
        refusal = found[place]
        assert isinstance(refusal, ApiError)
        assert (refusal.status, refusal.param) == (415, name)


def test_what_the_model_cannot_take_is_refused_alone(model: Artefact) -> None:
    found = render(
        [Text("half a letter: \ud800"), Text("fine")],
        params=["a", "b"],
        model=str(model.folder),
        limits=LimitOptions(),
    ).items
    assert isinstance(found[1], Rendered)
    assert isinstance(found[0], ApiError)
    assert (found[0].status, found[0].code, found[0].param) == (422, "not_rendered", "a")


def test_a_strip_is_refused_and_the_limit_named(model: Artefact) -> None:
    buffer = io.BytesIO()
    Image.new("1", (1, 65_000)).save(buffer, "PNG")
    (found,) = render(
        [Picture(buffer.getvalue())], params=["a"], model=str(model.folder), limits=LimitOptions()
    ).items
    assert isinstance(found, ApiError)
    assert (found.status, found.param) == (413, "a")
    assert "32,768 pixels a side" in found.message


def test_the_description_is_what_searches_need(model: Artefact, loaded: Loaded) -> None:
    assert loaded.description.fingerprint == model.record.fingerprint
    assert loaded.description.width == model.encoder().embed_texts(["a"]).shape[1]
    assert set(loaded.description.modalities) == {"image", "text"}
    assert Path(loaded.description.folder).is_absolute()
    assert (loaded.description.revision, loaded.description.made) == (None, None)
