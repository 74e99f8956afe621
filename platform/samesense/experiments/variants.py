"""The recipes that an ablation compares."""

from samesense.core.config import overridden
from samesense.core.errors import blame
from samesense.experiments.options import AblateJob
from samesense.recipe.options import Recipe
from samesense.recipe.wiring import check_wiring


def variant_recipes(job: AblateJob) -> dict[str, Recipe]:
    """Return the recipe of every variant.

    Raises:
        ConfigError: if a variant's changes do not fit the recipe, or make it one that cannot work.
    """
    recipes = {}
    for name, changes in job.variants.items():
        with blame("variants", name):
            recipes[name] = overridden(job.recipe, changes)
            check_wiring(recipes[name])
    return recipes
