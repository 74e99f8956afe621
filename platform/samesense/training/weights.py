"""Weights in and out of blocks, whole also where ZeRO-3 shards them."""

import hashlib
from collections.abc import Iterable, Mapping

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


def copy_weights(blocks: nn.Module, *, names: Iterable[str], zero_stage: int) -> dict[str, Tensor]:
    """Return copies of the named parameters on the CPU. Every rank must call it.

    Raises:
        TrainingError: if one is empty, which means that its shards were not gathered.
    """
    parameters = dict(blocks.named_parameters())
    chosen = {name: parameters[name] for name in names}
    with gathered(chosen.values(), zero_stage=zero_stage):
        copies = {name: p.detach().cpu().clone() for name, p in chosen.items()}
    if empty := [name for name, copy in copies.items() if not copy.numel()]:
        raise TrainingError(f"weights came out empty under ZeRO-{zero_stage}: {empty[0]}")
    return copies


def hash_parameters(blocks: nn.Module, *, zero_stage: int) -> dict[str, str]:
    """Return a hash of each parameter's bytes. Every rank must call it."""
    hashes = {}
    for name, parameter in blocks.named_parameters():
        with gathered([parameter], zero_stage=zero_stage):
            flat = parameter.detach().cpu().contiguous().reshape(-1)
            hashes[name] = hashlib.sha256(flat.view(torch.uint8).numpy().data).hexdigest()
    return hashes
