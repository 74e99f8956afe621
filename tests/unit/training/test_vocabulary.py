"""What a recipe leaves open until the training data is known."""

import pytest

from samesense.core.errors import ConfigError
from samesense.corpus.manifest import Manifest
from samesense.objectives.options import MultiPositiveOptions
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe, StageOptions
from samesense.training.vocabulary import with_anchors, with_counts


def recipe(count: int | None = None) -> Recipe:
    values = load_recipe("alignment").model_dump()
    values["blocks"]["classes"] = {"kind": "prototypes", "of": "concept"}
    values["blocks"]["domains"] = {"kind": "prototypes", "of": "domain", "count": count}
    return Recipe.model_validate(values)


def seen() -> Manifest:
    rows = [
        {"id": f"{i}", "label": label, "domain": domain, "split": split}
        for i, (label, domain, split) in enumerate(
            [("dog", "photo", "train"), ("cat", "art", "train"), ("owl", "photo", "validation")]
        )
    ]
    return Manifest.from_rows(rows)


def anchored(anchor: str | int | None) -> StageOptions:
    loss = MultiPositiveOptions(kind="multi_positive", on={"z": "image"}, anchor=anchor)
    return load_recipe("alignment").stages[0].model_copy(update={"losses": (loss,)})


def test_prototypes_get_a_row_for_every_concept_and_every_training_domain() -> None:
    found = with_counts(recipe(), seen=seen())
    assert (found.blocks["classes"].count, found.blocks["domains"].count) == (3, 2)
    assert with_counts(recipe(2), seen=seen()) == found


def test_another_number_of_rows_than_the_data_asks_for_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"domains\.count: is 5, but training has 2 domains"):
        with_counts(recipe(5), seen=seen())


@pytest.mark.parametrize(("anchor", "expected"), [("photo", 1), ("art", 0), (1, 1), (None, None)])
def test_an_anchor_gets_its_number(anchor: str | int | None, expected: int | None) -> None:
    stage = with_anchors(anchored(anchor), domains=["art", "photo"])
    assert stage.losses[0].anchor == expected


@pytest.mark.parametrize("anchor", ["phto", 2])
def test_an_anchor_that_is_no_training_domain_is_refused(anchor: str | int) -> None:
    with pytest.raises(ConfigError, match=r"no training domain '(phto|2)' \(has: art, photo\)"):
        with_anchors(anchored(anchor), domains=["art", "photo"])
