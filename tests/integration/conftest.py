"""What integration tests of training share: one small corpus and one small recipe."""

from pathlib import Path

import pytest

from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four concepts in three domains, twelve images each."""
    return write_patterns(tmp_path_factory.mktemp("corpus"), concepts=4, domains=3, each=12)


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory, ray_cluster: None) -> Recipe:
    """The core method on a tiny MLLM, twelve items a step."""
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    recipe = load_recipe("alignment").with_block("backbone", model=str(folder))
    sizes = {"concepts_per_step": 3, "images_per_concept_and_domain": 2}
    sampler = recipe.stages[0].sampler.model_copy(update=sizes)
    stage = recipe.stages[0].model_copy(update={"sampler": sampler})
    return recipe.model_copy(update={"stages": (stage,)})
