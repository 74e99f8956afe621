"""The learning rate as a function of the step."""

import math

from samesense.recipe.options import OptimiserOptions


def learning_rate(optimiser: OptimiserOptions, *, step: int, steps: int) -> float:
    """Return the rate at ``step`` (from 0) of ``steps``: linear warm-up, then cosine to zero."""
    warmup = round(optimiser.warmup_share * steps)
    if step < warmup:
        return optimiser.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return optimiser.learning_rate * (1 + math.cos(math.pi * done)) / 2
