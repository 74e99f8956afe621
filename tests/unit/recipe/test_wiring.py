"""A recipe that cannot work is refused before anything is started."""

from pathlib import Path

import pytest
import yaml

from samesense.core.config import load_options
from samesense.core.errors import ConfigError
from samesense.recipe.load import find_recipe, load_recipe, names
from samesense.recipe.options import Recipe
from samesense.recipe.parameters import check_parameters
from samesense.recipe.wiring import check_wiring
from tests.conftest import ROOT
from tests.fixtures.tiny_models import MLLMS


def variant(folder: Path, text: str, *overrides: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text("base: alignment\n" + text)
    return load_options(path, kind=Recipe, overrides=overrides, find_base=find_recipe)


def refusal(recipe: Recipe) -> str:
    with pytest.raises(ConfigError) as caught:
        check_wiring(recipe)
    return str(caught.value)


@pytest.mark.parametrize("name", names())
def test_every_recipe_of_the_library_is_wired(name: str) -> None:
    check_wiring(load_recipe(name))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "views.image.blocks=[backbone, last, aling]",
            "views.image.blocks.2: no block 'aling' (has",
        ),
        ("views.image.blocks=[backbone, align]", "block 'align' takes vector, but is given tokens"),
        ("views.image.blocks=[backbone]", "ends with tokens; the last block must give a vector"),
        (
            "vector.image=imgae",
            "no view 'imgae' (has: frozen, image, names, text). Did you mean 'im",
        ),
        ("vector.image=text", "vector.image: view 'text' reads text"),
        ("vector.image=names", "vector.image: view 'names' reads concept"),
        ("stages.0.losses.0.on.z=imag", "stages.0.losses.0.on.z: no items tensor 'imag' (has: "),
        (
            "stages.0.losses.0.on.z=names",
            "on.z: no items tensor 'names' (has: frozen, image, text)",
        ),
        (
            "stages.0.losses.0={kind: semantic_relations, on: {z: image, concepts: text}}",
            "on.concepts: no concepts tensor 'text' (has: names)",
        ),
        (
            "stages.0.losses.0={kind: cross_entropy, labels: domain, "
            "on: {z: image, classes: names}}",
            "on.classes: no domains tensor 'names' (has: none)",
        ),
        ("blocks.image={kind: temperature}", "views.image: a block that losses read has this name"),
        ("blocks.align={kind: domain_whiten}", "stages: none of kind 'fit' names block 'align'"),
        (
            "stages=[{kind: fit, name: fit, block: last}]",
            "stages.0.block: no closed-form block 'last' (has: none)",
        ),
        (
            "stages.0.losses.1={kind: preserve, on: {z: image}}",
            "stages.0.losses.1.on.h: is required (preserve)",
        ),
        ("stages.0.losses.0.on.q=image", "stages.0.losses.0.on.q: no role 'q' (has: temperature"),
    ],
)
def test_a_fault_in_the_wiring_is_named(tmp_path: Path, override: str, expected: str) -> None:
    assert expected in refusal(variant(tmp_path, "", override))


def test_a_closed_form_off_the_way_of_images_is_refused(tmp_path: Path) -> None:
    recipe = variant(
        tmp_path,
        "",
        "blocks.white={kind: domain_whiten}",
        "views.text.blocks=[backbone, last, white]",
        "stages=[{kind: fit, name: fit, block: white}]",
    )
    assert "stages.0.block: view 'image' does not pass through 'white'" in refusal(recipe)


def test_a_stage_that_states_no_kind_is_trained_and_a_wrong_kind_is_told(tmp_path: Path) -> None:
    assert variant(tmp_path, "").stages[0].kind == "train"
    with pytest.raises(ConfigError, match=r"no kind 'fitt' \(has: train, fit\).*'fit'"):
        variant(tmp_path, "", "stages.0={kind: fitt, name: x, block: align}")
    with pytest.raises(ConfigError, match=r"stages\.0\.blok: unknown key.*'block'"):
        variant(tmp_path, "", "stages.0={kind: fit, name: x, blok: align}")


def test_the_documented_recipe_with_queries_is_wired(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "recipes.md").read_text()
    example = yaml.safe_load(page.split("several `layers`")[1].split("```yaml")[1].split("```")[0])
    del example["recipe"]["base"]
    recipe = variant(tmp_path, yaml.safe_dump(example["recipe"]))
    check_wiring(recipe)
    assert recipe.prefix("frozen") == recipe.prefix("image") == ("backbone", "last")
    assert recipe.layers_read("backbone") == (-4, -3, -2, -1)


def test_a_pattern_that_matches_no_parameter_is_refused(tmp_path: Path) -> None:
    MLLMS["idefics3"](tmp_path / "model")
    model = f"blocks.backbone.model={tmp_path / 'model'}"
    check_parameters(variant(tmp_path, "", model))
    wrong = variant(tmp_path, "", model, "stages.0.trainable=['aling\\..*']")
    with pytest.raises(ConfigError, match=r"'aling\\..\*' matches no parameter"):
        check_parameters(wrong)


def test_a_pattern_that_is_no_regular_expression_is_refused_with_its_place(tmp_path: Path) -> None:
    override = 'stages.0.trainable=["align.*", "*"]'
    with pytest.raises(ConfigError) as caught:
        variant(tmp_path, "", override)
    assert str(caught.value) == (
        f"--set {override}: stages.0.trainable.1: '*' is not a regular expression: "
        "nothing to repeat at position 0"
    )


def test_a_loss_cannot_take_a_view_for_a_temperature() -> None:
    recipe = load_recipe("clip_domain")
    stage = recipe.stages[0]
    loss = stage.losses[0].model_copy(
        update={"on": {"query": "image", "candidate": "text", "temperature": "text"}}
    )
    broken = recipe.model_copy(update={"stages": (stage.model_copy(update={"losses": (loss,)}),)})
    assert "on.temperature: no scalar tensor 'text' (has: temperature)" in refusal(broken)
