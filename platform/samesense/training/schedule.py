"""The learning rate and the weights of losses as functions of the step."""

import math

from samesense.objectives.options import Loss
from samesense.recipe.options import OptimiserOptions


def learning_rate(optimiser: OptimiserOptions, *, step: int, steps: int) -> float:
    """Return the rate at ``step`` (from 0) of ``steps``: linear warm-up, then cosine to zero."""
    warmup = round(optimiser.warmup_share * steps)
    if step < warmup:
        return optimiser.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return optimiser.learning_rate * (1 + math.cos(math.pi * done)) / 2


def loss_weight(loss: Loss, *, step: int, steps: int) -> float:
    """Return the weight at ``step`` (from 0) of ``steps``: a linear rise, then constant."""
    rise = round(loss.ramp_share * steps)
    return loss.weight * min(1.0, (step + 1) / max(1, rise))
