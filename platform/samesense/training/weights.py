"""Weights in and out of blocks, whole also where ZeRO-3 shards them."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from samesense.core.errors import TrainingError
from samesense.training.engine import gathered


def load_weights(blocks: nn.ModuleDict, weights: Mapping[str, Tensor]) -> None:
    """Put trained weights, named ``block.parameter``, into blocks.

    Weights of blocks that are left out are passed over.

    Raises:
        TrainingError: if a weight of a block that is there does not fit.
    """
    state = {name: w for name, w in weights.items() if name.split(".")[0] in blocks}
    report = blocks.load_state_dict(state, strict=False)
    if report.unexpected_keys:
        raise TrainingError(f"weights do not fit the recipe: {', '.join(report.unexpected_keys)}")


def hash_parameters(blocks: nn.Module, *, zero_stage: int) -> dict[str, str]:
    """Return a hash of each parameter's bytes. Every rank must call it."""
    hashes = {}
    for name, parameter in blocks.named_parameters():
        with gathered([parameter], zero_stage=zero_stage):
            hashes[name] = hash_tensor(parameter.detach())
    return hashes


def hash_tensor(tensor: Tensor) -> str:
    """Return a hash of a tensor's bytes."""
    flat = tensor.cpu().contiguous().reshape(-1)
    return hashlib.sha256(flat.view(torch.uint8).numpy().data).hexdigest()
