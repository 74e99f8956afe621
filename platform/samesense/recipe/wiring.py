"""Whether a recipe can work at all, found out before any resource is asked for."""

from collections.abc import Iterator

from samesense.core.errors import ConfigError, Fault, did_you_mean
from samesense.objectives.options import Loss
from samesense.recipe.options import Recipe


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
        for i, loss in enumerate(stage.losses):
            for role, message in _loss_faults(recipe, loss):
                yield Fault(("stages", s, "losses", i, "on", role), f"{message} ({loss.kind})")


def _loss_faults(recipe: Recipe, loss: Loss) -> Iterator[tuple[str, str]]:
    """Yield a role of the loss and what is wrong with the tensor that plays it."""
    scalars = [name for name, block in recipe.blocks.items() if block.gives == "scalar"]
    for role in loss.roles:
        if role not in loss.on:
            yield role, "is required"
    for role, tensor in loss.on.items():
        if role not in loss.roles:
            yield role, _unknown("role", role, loss.roles)
            continue
        known = scalars if role == "temperature" else list(recipe.views)
        if tensor not in known:
            yield role, _unknown("tensor", tensor, known)


def _unknown(what: str, name: str, known: object) -> str:
    names = sorted(str(k) for k in known)  # type: ignore[attr-defined]
    return f"no {what} '{name}' (has: {', '.join(names)}).{did_you_mean(name, names)}"
