"""Whether a recipe can work at all, found out before any resource is asked for."""

import re
from collections.abc import Iterable, Iterator

from samesense.core.errors import ConfigError, did_you_mean
from samesense.encoder.align.options import DomainWhitenOptions
from samesense.encoder.build import build_skeleton
from samesense.objectives.options import CrossEntropyOptions, Loss, Takes
from samesense.recipe.options import FitStageOptions, Recipe, StageOptions


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
            if isinstance(stage, StageOptions)
            for pattern in stage.trainable
            if not any(re.fullmatch(pattern, name) for name in names)
        ],
    )


def _refuse(recipe: Recipe, faults: list[str]) -> None:
    if faults:
        raise ConfigError("\n".join(f"recipe '{recipe.name}': {fault}" for fault in faults))


def _view_faults(recipe: Recipe) -> Iterator[str]:
    for view, options in recipe.views.items():
        if view in recipe.blocks and recipe.blocks[view].takes == "nothing":
            yield f"views.{view}: a block that losses read has this name; rename one of them"
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
        if isinstance(stage, FitStageOptions):
            yield from _fit_faults(recipe, stage)
            continue
        for i, loss in enumerate(stage.losses):
            for fault in _loss_faults(recipe, loss):
                yield f"stages.{stage.name}.losses.{i} ({loss.kind}): {fault}"
    fitted = {stage.block for stage in recipe.stages if isinstance(stage, FitStageOptions)}
    for name in _closed_forms(recipe):
        if name not in fitted:
            yield f"stages: none of kind 'fit' names block '{name}', which would stay the identity"


def _fit_faults(recipe: Recipe, stage: FitStageOptions) -> Iterator[str]:
    closed = _closed_forms(recipe)
    if stage.block not in closed:
        yield f"stages.{stage.name}.block: {_unknown('closed-form block', stage.block, closed)}"
        return
    view = recipe.vector.get("image")
    if view in recipe.views and stage.block not in recipe.views[view].blocks:
        yield f"stages.{stage.name}.block: view '{view}' does not pass through '{stage.block}'"


def _closed_forms(recipe: Recipe) -> list[str]:
    return [name for name, b in recipe.blocks.items() if isinstance(b, DomainWhitenOptions)]


def _loss_faults(recipe: Recipe, loss: Loss) -> Iterator[str]:
    roles = {**loss.roles, **loss.optional}
    for role in loss.roles:
        if role not in loss.on:
            yield f"on.{role}: is required"
    for role, tensor in loss.on.items():
        if role not in roles:
            yield f"on.{role}: {_unknown('role', role, roles)}"
            continue
        known = _tensors(recipe, takes=_taken(loss, role=role))
        if tensor not in known:
            yield f"on.{role}: {_unknown(f'{_taken(loss, role=role)} tensor', tensor, known)}"


def _taken(loss: Loss, *, role: str) -> Takes:
    takes = {**loss.roles, **loss.optional}[role]
    if isinstance(loss, CrossEntropyOptions) and takes == "classes":
        return "concepts" if loss.labels == "concept" else "domains"
    return takes


def _tensors(recipe: Recipe, *, takes: Takes) -> list[str]:
    """Return the names of the views and learned blocks that can play such a role."""
    views = {
        name: "concepts" if view.input == "concept" else "items"
        for name, view in recipe.views.items()
    }
    learned = {name: b.gives for name, b in recipe.blocks.items() if b.takes == "nothing"}
    return [name for name, gives in {**learned, **views}.items() if gives == takes]


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    has = ", ".join(names) or "none"
    return f"no {what} '{name}' (has: {has}).{did_you_mean(name, names)}"
