"""How many numbers a recipe's stages train, counted without their values."""

import pytest

from samesense.encoder.align.options import DomainWhitenOptions
from samesense.encoder.build import build_encoder
from samesense.recipe.load import load_recipe
from samesense.recipe.options import FitStageOptions, Recipe
from samesense.recipe.parameters import count_trained
from tests.fixtures.tiny_models import MLLMS


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    return load_recipe("alignment").with_block("backbone", model=str(folder))


def test_what_a_pattern_matches_is_trained_and_nothing_else(recipe: Recipe) -> None:
    align = build_encoder(recipe).blocks["align"]
    assert count_trained(recipe) == sum(p.numel() for p in align.parameters()) > 0


def test_two_stages_that_train_the_same_count_it_once(recipe: Recipe) -> None:
    twice = recipe.model_copy(update={"stages": (recipe.stages[0], recipe.stages[0])})
    assert count_trained(twice) == count_trained(recipe)


def test_what_a_closed_form_fits_counts_too(recipe: Recipe) -> None:
    blocks = dict(recipe.blocks) | {"align": DomainWhitenOptions(kind="domain_whiten")}
    fit = FitStageOptions(kind="fit", name="fit", block="align")
    fitted = recipe.model_copy(update={"blocks": blocks, "stages": (fit,)})
    align = build_encoder(fitted).blocks["align"]
    assert count_trained(fitted) == sum(b.numel() for b in align.buffers()) > 0
