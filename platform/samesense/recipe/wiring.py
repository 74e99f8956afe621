"""Whether a recipe can work at all, found out before any resource is asked for."""

from collections.abc import Iterable, Iterator

from samesense.core.errors import ConfigError, Fault, did_you_mean
from samesense.encoder.align.options import DomainWhitenOptions
from samesense.objectives.options import CrossEntropyOptions, Loss, Takes
from samesense.recipe.options import FitStageOptions, Recipe


def check_wiring(recipe: Recipe) -> None:
    """Check that every name leads somewhere and that what one block gives the next one takes.

    Raises:
        ConfigError: listing every fault, with its key in the recipe.
    """
    faults = [*_view_faults(recipe), *_vector_faults(recipe), *_stage_faults(recipe)]
    if faults:
        raise ConfigError(*faults)


def _view_faults(recipe: Recipe) -> Iterator[Fault]:
    for view, options in recipe.views.items():
        if view in recipe.blocks and recipe.blocks[view].takes == "nothing":
            message = "a block that losses read has this name; rename one of them"
            yield Fault(("views", view), message)
        chain = ("views", view, "blocks")
        have: str = "item"
        for i, name in enumerate(options.blocks):
            if name not in recipe.blocks:
                yield Fault((*chain, i), _unknown("block", name, recipe.blocks))
                break
            block = recipe.blocks[name]
            if block.takes != have:
                yield Fault((*chain, i), f"block '{name}' takes {block.takes}, but is given {have}")
            have = block.gives
        else:
            if have != "vector":
                yield Fault(chain, f"ends with {have}; the last block must give a vector")


def _vector_faults(recipe: Recipe) -> Iterator[Fault]:
    if not recipe.vector:
        yield Fault(("vector",), "is empty; name the view that stands for images")
    for modality, view in recipe.vector.items():
        if view not in recipe.views:
            yield Fault(("vector", modality), _unknown("view", view, recipe.views))
        elif recipe.views[view].input != modality:
            yield Fault(("vector", modality), f"view '{view}' reads {recipe.views[view].input}")


def _stage_faults(recipe: Recipe) -> Iterator[Fault]:
    names = [stage.name for stage in recipe.stages]
    if len(set(names)) != len(names):
        yield Fault(("stages",), f"two stages share a name ({', '.join(names)})")
    for s, stage in enumerate(recipe.stages):
        if isinstance(stage, FitStageOptions):
            for message in _fit_faults(recipe, stage):
                yield Fault(("stages", s, "block"), message)
            continue
        for i, loss in enumerate(stage.losses):
            for role, message in _loss_faults(recipe, loss):
                yield Fault(("stages", s, "losses", i, "on", role), f"{message} ({loss.kind})")
    fitted = {stage.block for stage in recipe.stages if isinstance(stage, FitStageOptions)}
    for name in _closed_forms(recipe):
        if name not in fitted:
            message = f"none of kind 'fit' names block '{name}', which would stay the identity"
            yield Fault(("stages",), message)


def _fit_faults(recipe: Recipe, stage: FitStageOptions) -> Iterator[str]:
    """Yield what is wrong with the block that a stage names."""
    closed = _closed_forms(recipe)
    if stage.block not in closed:
        yield _unknown("closed-form block", stage.block, closed)
        return
    view = recipe.vector.get("image")
    if view in recipe.views and stage.block not in recipe.views[view].blocks:
        yield f"view '{view}' does not pass through '{stage.block}'"


def _closed_forms(recipe: Recipe) -> list[str]:
    return [name for name, b in recipe.blocks.items() if isinstance(b, DomainWhitenOptions)]


def _loss_faults(recipe: Recipe, loss: Loss) -> Iterator[tuple[str, str]]:
    """Yield a role of the loss and what is wrong with the tensor that plays it."""
    roles = {**loss.roles, **loss.optional}
    for role in loss.roles:
        if role not in loss.on:
            yield role, "is required"
    for role, tensor in loss.on.items():
        if role not in roles:
            yield role, _unknown("role", role, roles)
            continue
        known = _tensors(recipe, takes=_taken(loss, role=role))
        if tensor not in known:
            yield role, _unknown(f"{_taken(loss, role=role)} tensor", tensor, known)


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
