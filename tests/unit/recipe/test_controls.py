"""Every control of the core method is a recipe that works: its overrides, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from samesense.core.config import load_options
from samesense.core.options import Options
from samesense.recipe.load import find_recipe
from samesense.recipe.options import Recipe
from samesense.recipe.parameters import check_parameters
from samesense.recipe.wiring import check_wiring
from tests.fixtures.tiny_models import MLLMS


class Controls(Options):
    """The file's form: a name, and what it changes by key path."""

    variants: dict[str, dict[str, Any]]


CONTROLS = load_options(
    Path(__file__).parents[2] / "fixtures" / "controls.yaml", kind=Controls
).variants


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    return folder


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_the_recipe_with_other_losses_or_blocks(name: str, backbone: Path) -> None:
    changes = CONTROLS[name] | {"blocks.backbone.model": str(backbone)}
    overrides = [f"{key}={json.dumps(value)}" for key, value in changes.items()]
    recipe = load_options(
        find_recipe("alignment"), kind=Recipe, overrides=overrides, find_base=find_recipe
    )
    check_wiring(recipe)
    check_parameters(recipe)
