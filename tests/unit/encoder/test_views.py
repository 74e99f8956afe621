"""Views of one tower: with and without its adapter, of its last layer and of several."""

from typing import Any

import numpy as np
import pytest
import torch

from samesense.core.errors import ConfigError, ModelError
from samesense.encoder.build import build_aligner, build_encoder, build_skeleton
from samesense.encoder.encoder import Encoder, Vectors
from samesense.encoder.options import EncoderOptions
from samesense.encoder.towers.options import is_adapter
from samesense.recipe.options import Recipe
from samesense.recipe.wiring import check_wiring
from tests.fixtures.tiny_models import MLLMS, WIDTH, draw_images

IMAGES = draw_images(sizes=[(32, 32)] * 3)
LORA = {"rank": 4, "alpha": 8}
LAYERS = [-2, -1]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["qwen2_vl"](folder)
    return str(folder)


def recipe(backbone: str, *, align: str = "gated", **tower: Any) -> Recipe:
    """Every view that a tower can give: aligned or not, with its adapter or not."""
    several = align == "query"
    pool = {"kind": "last_tokens", "layers": LAYERS} if several else {"kind": "last_token"}
    plain = ["tower", "pool", "newest"] if several else ["tower", "pool"]
    return Recipe.model_validate(
        {
            "name": "test",
            "blocks": {
                "tower": {"kind": "mllm", "model": backbone, **tower},
                "pool": pool,
                "one": {"kind": "last_token"},
                "align": {"kind": align},
            }
            | ({"newest": {"kind": "last_layer"}} if several else {}),
            "views": {
                "image": {"input": "image", "blocks": ["tower", "pool", "align"]},
                "frozen": {"input": "image", "blocks": plain, "adapter": False},
                "last": {"input": "image", "blocks": ["tower", "one"]},
            },
            "vector": {"image": "image"},
        }
    )


def shaken(options: EncoderOptions) -> Encoder:
    torch.manual_seed(0)
    encoder = build_encoder(options)
    with torch.no_grad():
        for name, parameter in encoder.blocks.named_parameters():
            if is_adapter(name) or name.startswith("align"):
                parameter.normal_(std=0.1)
    return encoder


def tower_vectors(encoder: Encoder, view: str, **how: bool) -> Vectors:
    with torch.inference_mode():
        inputs = encoder.renderer("image").prepare_images(IMAGES)
        return encoder.tower_vectors(view, inputs=inputs, **how).numpy()


def test_a_view_without_the_adapter_is_the_backbones_with_its_cache(backbone: str) -> None:
    plain, adapted = shaken(recipe(backbone)), shaken(recipe(backbone, lora=LORA))
    assert np.array_equal(tower_vectors(adapted, "frozen"), tower_vectors(plain, "image"))
    assert np.array_equal(
        tower_vectors(adapted, "image", adapter=False), tower_vectors(plain, "image")
    )
    assert not np.allclose(tower_vectors(adapted, "image"), tower_vectors(plain, "image"))
    assert adapted.tower_fingerprint("frozen") == plain.tower_fingerprint("image")
    assert adapted.tower_fingerprint("image", adapter=False) == plain.tower_fingerprint("image")
    assert adapted.tower_fingerprint("image") != plain.tower_fingerprint("image")
    assert adapted.fingerprint != plain.fingerprint


def test_an_aligner_has_both_fingerprints_of_a_tower_that_is_left_out(backbone: str) -> None:
    options = recipe(backbone, lora=LORA)
    whole = shaken(options)
    aligner = build_aligner(
        options,
        tower_widths=whole.tower_widths,
        tower_fingerprints=whole.tower_fingerprints(),
        backbone_fingerprints=whole.backbone_fingerprints(),
    )
    for view in ("image", "frozen"):
        assert aligner.tower_fingerprint(view) == whole.tower_fingerprint(view)
    assert aligner.tower_fingerprint(adapter=False) == whole.tower_fingerprint("frozen")


def test_a_skeleton_knows_the_adapters_names(backbone: str) -> None:
    options = recipe(backbone, lora=LORA)
    skeleton, whole = build_skeleton(options), build_encoder(options)
    shapes = {name: p.shape for name, p in skeleton.blocks.named_parameters()}
    assert shapes == {name: p.shape for name, p in whole.blocks.named_parameters()}
    assert sum(is_adapter(name) for name in shapes) == 28
    assert all(p.is_meta for p in skeleton.parameters())


def test_several_layers_are_one_row_that_ends_with_the_last_tokens_vector(backbone: str) -> None:
    options = recipe(backbone, align="query")
    check_wiring(options)
    encoder = build_encoder(options)
    rows, last = tower_vectors(encoder, "image"), tower_vectors(encoder, "last")
    assert rows.shape == (3, len(LAYERS) * WIDTH)
    assert np.array_equal(rows[:, -WIDTH:], last)
    assert np.abs(rows[:, :WIDTH] - last).max() > 0.1
    assert options.prefix("frozen") == options.prefix("image") == ("tower", "pool")
    assert encoder.tower_fingerprint("frozen") == encoder.tower_fingerprint("image")

    unit = last / np.linalg.norm(last, axis=1, keepdims=True)
    assert encoder.widths == {"image": WIDTH, "frozen": WIDTH, "last": WIDTH}
    assert np.allclose(encoder.embed_images(IMAGES), unit, atol=1e-6)
    assert np.allclose(encoder.unaligned(rows), unit, atol=1e-6)
    assert np.allclose(shaken(options).unaligned(rows), unit, atol=1e-6)
    assert not np.allclose(shaken(options).align_vectors(rows), unit, atol=0.01)
    with torch.inference_mode():
        frozen = encoder.after_tower("frozen", h_BD=torch.from_numpy(rows)).numpy()
    assert np.allclose(frozen, unit, atol=1e-6)


def test_other_layers_are_another_fingerprint(backbone: str) -> None:
    options = recipe(backbone, align="query")
    pool = options.blocks["pool"].model_copy(update={"layers": (-1,)})
    other = options.model_copy(update={"blocks": {**options.blocks, "pool": pool}})
    assert build_encoder(other).tower_fingerprint() != build_encoder(options).tower_fingerprint()


def test_states_of_several_layers_are_no_vector(backbone: str) -> None:
    options = recipe(backbone, align="query")
    linear = options.model_copy(
        update={"blocks": {**options.blocks, "align": recipe(backbone).blocks["align"]}}
    )
    with pytest.raises(ConfigError, match="'align' takes vector, but is given states"):
        check_wiring(linear)


@pytest.mark.parametrize("build", [build_encoder, build_skeleton])
def test_layers_that_the_model_does_not_have_are_refused(backbone: str, build: Any) -> None:
    options = recipe(backbone, align="query")
    pool = options.blocks["pool"].model_copy(update={"layers": (-3, -1)})
    deep = options.model_copy(update={"blocks": {**options.blocks, "pool": pool}})
    with pytest.raises(ModelError, match="has 2 layers, so there is no layer -3"):
        build(deep)
