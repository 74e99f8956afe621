"""Identity of a network: what it computes, wherever its files lie."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from samesense.core.hashing import hash_json

BOOKKEEPING = {"_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures"}


def hash_weights(module: nn.Module) -> str:
    """Return the SHA-256 over names, formats, shapes and bytes of all weights and buffers."""
    return hash_tensors(module.state_dict())


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, formats, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def hash_config(config: Any) -> str:
    """Return the hash of an architecture's configuration, without its bookkeeping."""
    return hash_json(_architecture(config.to_dict()))


def _architecture(value: Any) -> Any:
    if isinstance(value, dict):
        kept = (name for name in value if name not in BOOKKEEPING)
        return {str(name): _architecture(value[name]) for name in kept}
    if isinstance(value, (list, tuple)):
        return [_architecture(item) for item in value]
    return value
