"""Whether a recipe's parameters are what its stages say, found out from models' configurations."""

import re

from samesense.core.errors import ConfigError, Fault, blame
from samesense.encoder.build import build_skeleton
from samesense.encoder.render.loading import load_config
from samesense.recipe.options import FitStageOptions, Recipe, StageOptions


def check_parameters(recipe: Recipe) -> None:
    """Check on a skeleton of the encoder that widths agree and every ``trainable`` pattern matches.

    Reads the models' configurations, not their weights.

    Raises:
        ConfigError: listing every fault, with its key in the recipe.
        ModelError: if a model's configuration does not load.
    """
    for name, tower in recipe.towers().items():
        with blame("blocks", name, "model"):
            load_config(tower.model, revision=tower.revision)
    names = parameter_names(recipe)
    blocks = ", ".join(sorted({name.split(".")[0] for name in names}))
    faults = [
        Fault(
            ("stages", s, "trainable", i),
            f"'{pattern}' matches no parameter (blocks with parameters: {blocks})",
        )
        for s, stage in enumerate(recipe.stages)
        if isinstance(stage, StageOptions)
        for i, pattern in enumerate(stage.trainable)
        if not any(re.fullmatch(pattern, name) for name in names)
    ]
    if faults:
        raise ConfigError(*faults)


def parameter_names(recipe: Recipe) -> list[str]:
    """Return the names of all parameters of a recipe's encoder.

    Raises:
        ModelError: if a model's configuration does not load.
    """
    return [name for name, _ in build_skeleton(recipe).blocks.named_parameters()]


def count_trained(recipe: Recipe) -> int:
    """Return how many numbers the stages train or fit.

    Raises:
        ModelError: if a model's configuration does not load.
    """
    blocks = build_skeleton(recipe).blocks
    trained = [p for s in recipe.stages if isinstance(s, StageOptions) for p in s.trainable]
    fitted = {s.block for s in recipe.stages if isinstance(s, FitStageOptions)}
    tensors = {
        **{n: p for n, p in blocks.named_parameters() if any(re.fullmatch(t, n) for t in trained)},
        **{n: b for n, b in blocks.named_buffers() if n.split(".")[0] in fitted},
    }
    return sum(tensor.numel() for tensor in tensors.values())
