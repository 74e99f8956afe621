"""What a recipe leaves open until the training data is known: how many classes, which numbers."""

from collections.abc import Sequence

from samesense.core.errors import ConfigError, did_you_mean
from samesense.corpus.manifest import Manifest
from samesense.encoder.learned.options import PrototypesOptions
from samesense.objectives.options import Loss, MultiPositiveOptions
from samesense.recipe.options import Recipe, StageOptions


def with_counts(recipe: Recipe, *, seen: Manifest) -> Recipe:
    """Return the recipe with a row of prototypes for every concept or training domain.

    Raises:
        ConfigError: if the recipe states another number.
    """
    for name, block in recipe.blocks.items():
        if not isinstance(block, PrototypesOptions):
            continue
        training = seen.of(splits=("train",))
        count = len(seen.labels if block.of == "concept" else training.domains)
        if block.count not in (None, count):
            raise ConfigError(
                f"blocks.{name}.count: is {block.count}, but training has {count} {block.of}s; "
                "leave it out"
            )
        recipe = recipe.with_block(name, count=count)
    return recipe


def with_anchors(stage: StageOptions, *, domains: Sequence[str]) -> StageOptions:
    """Return the stage with the numbers of anchor domains in place of their names.

    Raises:
        ConfigError: if an anchor is no training domain.
    """
    losses = tuple(_numbered(loss, stage.name, domains) for loss in stage.losses)
    return stage.model_copy(update={"losses": losses})


def _numbered(loss: Loss, stage: str, domains: Sequence[str]) -> Loss:
    if not isinstance(loss, MultiPositiveOptions) or loss.anchor is None:
        return loss
    known = [*domains, *range(len(domains))]
    if loss.anchor not in known:
        raise ConfigError(
            f"stages.{stage}: anchor: no training domain '{loss.anchor}' (has: "
            f"{', '.join(domains)}).{did_you_mean(str(loss.anchor), domains)}"
        )
    return loss.model_copy(update={"anchor": known.index(loss.anchor) % len(domains)})
