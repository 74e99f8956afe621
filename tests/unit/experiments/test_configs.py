"""Every variant of the shipped ablations is a recipe that works."""

from pathlib import Path

import pytest

from samesense.core.config import load_options
from samesense.experiments.options import AblateJob
from samesense.experiments.variants import variant_recipes
from samesense.recipe.load import find_recipe
from samesense.recipe.parameters import check_parameters
from tests.fixtures.tiny_models import MLLMS

CONFIGS = sorted((Path(__file__).parents[3] / "jobs" / "configs").glob("ablate_*.yaml"))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    return folder


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_variant_is_a_recipe_that_works(config: Path, backbone: Path) -> None:
    model = f"recipe.blocks.backbone.model={backbone}"
    job = load_options(config, kind=AblateJob, overrides=[model], find_base=find_recipe)
    recipes = variant_recipes(job)
    assert list(recipes) == list(job.variants)
    for recipe in recipes.values():
        check_parameters(recipe)
    assert len({recipe.model_dump_json() for recipe in recipes.values()}) == len(recipes)
