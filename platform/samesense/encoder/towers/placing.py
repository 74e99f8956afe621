"""Inputs on the device and in the number format of a model."""

from collections.abc import Mapping

from torch import Tensor, nn


def placed(inputs: Mapping[str, Tensor], *, beside: nn.Module) -> dict[str, Tensor]:
    """Return the inputs where the module's weights are; real numbers take the weights' format."""
    weight = next(beside.parameters())
    return {
        name: value.to(weight.device, weight.dtype if value.is_floating_point() else value.dtype)
        for name, value in inputs.items()
    }
