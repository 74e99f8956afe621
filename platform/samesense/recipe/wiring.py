"""Whether a recipe can work at all, found out before any resource is asked for."""

import re
from collections.abc import Iterator

from samesense.core.errors import ConfigError, did_you_mean
from samesense.encoder.build import build_skeleton
from samesense.objectives.options import Loss
from samesense.recipe.options import Recipe


def check_wiring(recipe: Recipe) -> None:
    """Check that every name leads somewhere and that what one block gives the next one takes.

    Raises:
        ConfigError: listing every fault.
    """
    _refuse(recipe, [*_view_faults(recipe), *_vector_faults(recipe), *_stage_faults(recipe)])


def check_parameters(recipe: Recipe) -> None:
    """Check on a skeleton of the encoder that widths agree and every ``trainable`` pattern matches.

    Reads the models' configurations, not their weights.

    Raises:
        ConfigError: listing every fault.
        ModelError: if a model's configuration does not load.
    """
    names = [name for name, _ in build_skeleton(recipe).blocks.named_parameters()]
    blocks = sorted({name.split(".")[0] for name in names})
    _refuse(
        recipe,
        [
            f"stages.{stage.name}.trainable: '{pattern}' matches no parameter "
            f"(blocks with parameters: {', '.join(blocks)})"
            for stage in recipe.stages
            for pattern in stage.trainable
            if not any(re.fullmatch(pattern, name) for name in names)
        ],
    )


def _refuse(recipe: Recipe, faults: list[str]) -> None:
    if faults:
        raise ConfigError("\n".join(f"recipe '{recipe.name}': {fault}" for fault in faults))


def _view_faults(recipe: Recipe) -> Iterator[str]:
    for view, options in recipe.views.items():
        have: str = "item"
        for name in options.blocks:
            if name not in recipe.blocks:
                yield f"views.{view}: {_unknown('block', name, recipe.blocks)}"
                break
            block = recipe.blocks[name]
            if block.takes != have:
                yield f"views.{view}: block '{name}' takes {block.takes}, but is given {have}"
            have = block.gives
        else:
            if have != "vector":
                yield f"views.{view}: ends with {have}; the last block must give a vector"


def _vector_faults(recipe: Recipe) -> Iterator[str]:
    if not recipe.vector:
        yield "vector: is empty; name the view that stands for images"
    for modality, view in recipe.vector.items():
        if view not in recipe.views:
            yield f"vector.{modality}: {_unknown('view', view, recipe.views)}"
        elif recipe.views[view].input != modality:
            yield f"vector.{modality}: view '{view}' reads {recipe.views[view].input}"


def _stage_faults(recipe: Recipe) -> Iterator[str]:
    names = [stage.name for stage in recipe.stages]
    if len(set(names)) != len(names):
        yield f"stages: two stages share a name ({', '.join(names)})"
    for stage in recipe.stages:
        for i, loss in enumerate(stage.losses):
            for fault in _loss_faults(recipe, loss):
                yield f"stages.{stage.name}.losses.{i} ({loss.kind}): {fault}"


def _loss_faults(recipe: Recipe, loss: Loss) -> Iterator[str]:
    scalars = [name for name, block in recipe.blocks.items() if block.gives == "scalar"]
    for role in loss.roles:
        if role not in loss.on:
            yield f"on.{role}: is required"
    for role, tensor in loss.on.items():
        if role not in loss.roles:
            yield f"on.{role}: {_unknown('role', role, loss.roles)}"
        known = scalars if role == "temperature" else list(recipe.views)
        if tensor not in known:
            yield f"on.{role}: {_unknown('tensor', tensor, known)}"


def _unknown(what: str, name: str, known: object) -> str:
    names = sorted(str(k) for k in known)  # type: ignore[attr-defined]
    return f"no {what} '{name}' (has: {', '.join(names)}).{did_you_mean(name, names)}"
