"""Opening a pretrained model's weights, whole or not at all."""

from typing import Any

import torch

from samesense.core.errors import ModelError
from samesense.encoder.render.loading import load_part
from samesense.encoder.towers.options import ClipTowerOptions, MllmTowerOptions


def load_weights(auto: Any, options: MllmTowerOptions | ClipTowerOptions, **settings: Any) -> Any:
    """Load a model through one of transformers' Auto classes, in the options' precision.

    Raises:
        ModelError: if it does not load, or the file leaves weights out: transformers would draw
            those at random and only warn.
    """
    model, report = load_part(
        auto.from_pretrained,
        model=options.model,
        revision=options.revision,
        dtype=getattr(torch, options.precision),
        output_loading_info=True,
        **settings,
    )
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"{options.model}: {len(missing)} weights are missing, such as {missing[0]}; "
            "the files are incomplete or of another architecture than config.json says"
        )
    return model
