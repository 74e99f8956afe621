"""The encoder as a whole: what its vectors and its fingerprints depend on."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from samesense.artefact.folder import unaligned
from samesense.core.errors import ConfigError, ModelError
from samesense.corpus.decode import DecodeLimits, decode
from samesense.encoder.align.options import LinearOptions
from samesense.encoder.build import build_aligner, build_encoder, build_skeleton
from samesense.encoder.encoder import Encoder
from samesense.encoder.options import EncoderOptions
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from tests.fixtures.tiny_models import MLLMS, draw_images


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    return load_recipe("alignment").with_block("backbone", model=str(folder))


def built(recipe: EncoderOptions) -> Encoder:
    torch.manual_seed(0)
    encoder = build_encoder(recipe)
    with torch.no_grad():
        for parameter in encoder.blocks["align"].parameters():
            parameter.normal_(std=0.1)
    return encoder


def test_vectors_are_unit_rows_of_float32(recipe: Recipe) -> None:
    encoder = built(recipe)
    images = draw_images(sizes=[(30, 20), (64, 64), (9, 50)])
    for z in (encoder.embed_images(images), encoder.embed_texts(["one", "two words", ""])):
        assert z.dtype == np.float32
        assert z.shape == (3, encoder.tower_widths["backbone"])
        assert np.allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)
    for z in (encoder.embed_images([]), encoder.embed_texts([])):
        assert z.shape == (0, encoder.tower_widths["backbone"])


def test_one_text_is_not_taken_for_a_list_of_letters(recipe: Recipe) -> None:
    with pytest.raises(TypeError, match=r"give \[text\]"):
        built(recipe).embed_texts("dog")


def saved(image: Image.Image, *, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def test_a_picture_is_embedded_as_a_corpus_shows_it(recipe: Recipe) -> None:
    picture = draw_images(sizes=[(40, 24)])[0]
    grey = picture.convert("L")
    ink = Image.new("RGBA", grey.size, "black")
    ink.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    encoder = built(recipe)
    for data in (saved(grey), saved(ink), saved(deep), saved(picture, orientation=6)):
        decoded = decode(data, limits=DecodeLimits())
        assert isinstance(decoded, Image.Image)
        shown = encoder.embed_images([Image.fromarray(np.asarray(decoded))])
        assert np.array_equal(encoder.embed_images([Image.open(io.BytesIO(data))]), shown)
        assert np.array_equal(encoder.embed_images([decoded]), shown), "turned or laid twice"


def test_pixels_without_a_range_are_refused(recipe: Recipe) -> None:
    images = draw_images(sizes=[(8, 8)] * 2)
    for mode in ("F", "I"):
        with pytest.raises(ModelError, match=f"image 1: pixels of mode {mode} have no agreed"):
            built(recipe).embed_images([images[0], images[1].convert("L").convert(mode)])


def test_forwards_of_any_size_give_the_same_vectors(recipe: Recipe) -> None:
    encoder, images = built(recipe), draw_images(sizes=[(32, 32)] * 5)
    many, few = (encoder.embed_images(images, images_per_forward=n) for n in (5, 2))
    assert np.allclose(many, few, atol=1e-6)


def test_an_aligner_does_with_tower_vectors_what_the_encoder_does(recipe: Recipe) -> None:
    whole, images = built(recipe), draw_images(sizes=[(32, 32)] * 3)
    aligner = build_aligner(
        recipe,
        tower_widths=whole.tower_widths,
        tower_fingerprints=whole.tower_fingerprints(),
    )
    aligner.blocks["align"].load_state_dict(whole.blocks["align"].state_dict())
    with torch.inference_mode():
        inputs = whole.renderer("image").prepare_images(images)
        h = whole.tower_vectors("image", inputs=inputs).numpy()
    assert np.allclose(aligner.align_vectors(h), whole.embed_images(images), atol=1e-6)
    assert aligner.fingerprint == whole.fingerprint
    assert aligner.tower_fingerprint() == whole.tower_fingerprint()
    with pytest.raises(ModelError, match="not loaded"):
        aligner.embed_images(images)


def test_the_fingerprint_is_of_what_shapes_a_vector_and_of_nothing_else(
    recipe: Recipe, tmp_path: Path
) -> None:
    first = built(recipe)
    assert first.fingerprint == built(recipe).fingerprint
    renamed = recipe.model_copy(update={"name": "other", "summary": "x", "stages": ()})
    assert built(renamed).fingerprint == first.fingerprint
    MLLMS["idefics3"](tmp_path)
    elsewhere = built(recipe.with_block("backbone", model=str(tmp_path)))
    assert elsewhere.fingerprint == first.fingerprint

    with torch.no_grad():
        next(elsewhere.blocks["align"].parameters()).add_(1e-3)
    assert elsewhere.fingerprint != first.fingerprint
    assert elsewhere.tower_fingerprint() == first.tower_fingerprint()
    with torch.no_grad():
        next(elsewhere.blocks["backbone"].parameters()).add_(1e-3)
    assert elsewhere.tower_fingerprint() != first.tower_fingerprint()
    asked = built(recipe.with_block("backbone", prompt="one_word"))
    assert asked.tower_fingerprint() != first.tower_fingerprint()
    assert asked.fingerprint != first.fingerprint


def test_a_skeleton_names_every_parameter_and_holds_none(recipe: Recipe) -> None:
    skeleton, whole = build_skeleton(recipe), built(recipe)
    shapes = {name: p.shape for name, p in skeleton.blocks.named_parameters()}
    assert shapes == {name: p.shape for name, p in whole.blocks.named_parameters()}
    assert all(p.is_meta for p in skeleton.parameters())


def test_the_unaligned_backbone_is_the_recipe_without_its_alignment(recipe: Recipe) -> None:
    images = draw_images(sizes=[(32, 32)] * 3)
    baseline = build_encoder(unaligned(recipe.towers()["backbone"].model))
    fresh = build_encoder(recipe)
    assert np.allclose(baseline.embed_images(images), fresh.embed_images(images), atol=1e-6)
    assert baseline.fingerprint != fresh.fingerprint


def test_a_block_cannot_have_two_widths(recipe: Recipe) -> None:
    blocks = {
        "a": recipe.blocks["backbone"],
        "b": recipe.blocks["backbone"],
        "last": recipe.blocks["last"],
        "align": LinearOptions(kind="linear"),
    }
    views = {
        name: {"input": "image", "blocks": [tower, "last", "align"]}
        for name, tower in (("one", "a"), ("two", "b"))
    }
    options = EncoderOptions.model_validate(
        {"blocks": blocks, "views": views, "vector": {"image": "one"}}
    )
    with pytest.raises(ConfigError, match="'last' is 8 wide, but is given 16"):
        build_aligner(options, tower_widths={"a": 8, "b": 16})
