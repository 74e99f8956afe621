"""Which views read the cache: those of images whose tower does not learn."""

from typing import Any

import pytest

from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe, StageOptions
from samesense.training.sources import stage_views, view_source

PARAMETERS = ("backbone.model.weight", "align.gate.weight")


def stage_of(recipe: Recipe, **changes: Any) -> StageOptions:
    return recipe.stages[0].model_copy(update=changes)


def test_a_stage_reads_what_its_losses_and_its_validation_ask_for() -> None:
    recipe = load_recipe("alignment")
    coherence = recipe.stages[0].losses[1]
    assert stage_views(recipe, stage=recipe.stages[0]) == ("frozen", "image")
    only = stage_of(recipe, losses=(coherence,), validate_every_steps=None)
    assert stage_views(recipe, stage=only) == ("image",)


@pytest.mark.parametrize(
    ("trainable", "view", "kind"),
    [
        (r"align\..*", "image", "cached"),
        (r"align\..*", "frozen", "cached"),
        (r"align\..*", "text", "live"),
        (r"align\..*", "names", "cached"),
        (r"backbone\..*", "names", "live"),
        (r"backbone\..*", "image", "live"),
        (r".*", "frozen", "live"),
    ],
)
def test_a_tower_that_learns_is_run_on_the_items(trainable: str, view: str, kind: str) -> None:
    recipe = load_recipe("alignment")
    stage = stage_of(recipe, trainable=(trainable,))
    source = view_source(recipe, stage=stage, view=view, parameters=PARAMETERS)
    assert (source.kind, source.tower) == (kind, "backbone")


def test_views_of_the_same_tower_vectors_share_them() -> None:
    recipe = load_recipe("alignment")
    image, frozen = (
        view_source(recipe, stage=recipe.stages[0], view=view, parameters=PARAMETERS)
        for view in ("image", "frozen")
    )
    assert image == frozen
    assert image.key == "image:backbone>last"
