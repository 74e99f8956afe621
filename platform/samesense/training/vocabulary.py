"""What a recipe leaves open until the training data is known: how many classes, which numbers."""

from collections.abc import Sequence

from samesense.core.errors import ConfigError, Fault, blame, did_you_mean
from samesense.corpus.manifest import Manifest
from samesense.encoder.learned.options import PrototypesOptions
from samesense.objectives.options import Loss, MultiPositiveOptions
from samesense.recipe.options import Recipe, StageOptions


def check_vocabulary(recipe: Recipe, *, seen: Manifest) -> None:
    """Check what a recipe states about classes and domains against what it will see.

    Raises:
        ConfigError: as ``with_counts`` and ``with_anchors``, with the key in a job.
    """
    with blame("recipe"):
        with_counts(recipe, seen=seen)
    domains = seen.of(splits=("train",)).domains
    for s, stage in enumerate(recipe.stages):
        if isinstance(stage, StageOptions):
            with blame("recipe", "stages", s):
                with_anchors(stage, domains=domains)


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
            message = f"is {block.count}, but training has {count} {block.of}s; leave it out"
            raise ConfigError(Fault(("blocks", name, "count"), message))
        recipe = recipe.with_block(name, count=count)
    return recipe


def with_anchors(stage: StageOptions, *, domains: Sequence[str]) -> StageOptions:
    """Return the stage with the numbers of anchor domains in place of their names.

    Raises:
        ConfigError: if an anchor is no training domain.
    """
    losses = []
    for i, loss in enumerate(stage.losses):
        with blame("losses", i):
            losses.append(_numbered(loss, domains))
    return stage.model_copy(update={"losses": tuple(losses)})


def _numbered(loss: Loss, domains: Sequence[str]) -> Loss:
    if not isinstance(loss, MultiPositiveOptions) or loss.anchor is None:
        return loss
    known = [*domains, *range(len(domains))]
    if loss.anchor not in known:
        hint = did_you_mean(str(loss.anchor), domains)
        message = f"no training domain '{loss.anchor}' (has: {', '.join(domains)}).{hint}"
        raise ConfigError(Fault(("anchor",), message))
    return loss.model_copy(update={"anchor": known.index(loss.anchor) % len(domains)})
