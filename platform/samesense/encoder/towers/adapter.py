"""LoRA inside a generative model's language model, in PEFT's terms and in PEFT's format.

Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models".
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import get_peft_model_state_dict, load_peft_weights
from torch import Tensor, nn

from samesense.core.errors import ModelError
from samesense.encoder.towers.options import LoraOptions, is_adapter

CONFIG = "adapter_config.json"
AROUND = "base_model.model."
"""What PEFT puts before the names of the model that it wraps."""
OF_BASE = ".base_layer."
"""What it puts into the names of a layer's own weights."""


def add_adapter(model: Any, options: LoraOptions, *, source: str) -> PeftModel:
    """Wrap a model so that its language model's linear layers have an adapter each.

    A fresh one adds exactly zero. On the meta device none is filled.

    Raises:
        ModelError: if no layer has such a name, or a trained adapter does not fit.
    """
    config = _config(model, options, source=source)
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise ModelError(f"{source}: takes no such adapter: {error}") from None
    if options.weights is not None and not next(adapted.parameters()).is_meta:
        _fill(adapted, Path(options.weights))
    if options.gradient_checkpointing:
        # It acts on layers in training mode alone: on those that hold something that learns.
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return adapted


def adapter_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return an adapter's weights, under the names that PEFT gives them in its files."""
    weights: dict[str, Tensor] = get_peft_model_state_dict(model, save_embedding_layers=False)
    return weights


def is_void(weights: Mapping[str, Tensor]) -> bool:
    """Tell whether an adapter adds nothing: every ``lora_B`` is zero, as in a fresh one."""
    return not any(tensor.any() for name, tensor in weights.items() if ".lora_B" in name)


def own_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a model as it was before it got an adapter, under its own names."""
    return {
        name.removeprefix(AROUND).replace(OF_BASE, "."): tensor
        for name, tensor in model.state_dict().items()
        if not is_adapter(name)
    }


@contextmanager
def disabled(model: nn.Module) -> Iterator[None]:
    """Let a model compute as if it had no adapter."""
    # PEFT's own switch would also make every adapter weight trainable again.
    layers = [layer for layer in model.modules() if isinstance(layer, BaseTunerLayer)]
    for layer in layers:
        layer._disable_adapters = True
    try:
        yield
    finally:
        for layer in layers:
            layer._disable_adapters = False


def check_adapter(folder: Path, *, expected: Mapping[str, Tensor], trained: bool) -> None:
    """Read a saved adapter back and compare it with what it should hold.

    Raises:
        ModelError: if a tensor is missing, empty, of another shape or of other values, or if a
            trained adapter still adds nothing.
    """
    found: dict[str, Tensor] = load_peft_weights(str(folder), device="cpu")
    if lacking := sorted(set(expected) ^ set(found)):
        raise ModelError(f"{folder}: the saved adapter lacks or exceeds: {', '.join(lacking[:5])}")
    for name, tensor in expected.items():
        if not tensor.numel():
            raise ModelError(f"{folder}: {name} is empty; its shards were never gathered")
        if not torch.equal(found[name], tensor.detach().cpu()):
            raise ModelError(
                f"{folder}: {name} was read back as {tuple(found[name].shape)} "
                f"with other values than were written, {tuple(tensor.shape)}; is the disk full?"
            )
    if trained and is_void(found):
        raise ModelError(f"{folder}: every lora_B is zero after training, so the adapter is void")


def _config(model: Any, options: LoraOptions, *, source: str) -> LoraConfig:
    if options.weights is None:
        return LoraConfig(
            r=options.rank,
            lora_alpha=options.alpha,
            lora_dropout=options.dropout,
            target_modules=_targets(model, options, source=source),
        )
    try:
        # Asked for a folder that is not there, PEFT would look for it on the model hub.
        kind = json.loads((Path(options.weights) / CONFIG).read_text(encoding="utf-8"))["peft_type"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{options.weights}: holds no adapter of PEFT: {error}") from None
    if kind != "LORA":
        raise ModelError(f"{options.weights}: holds no LoRA but {kind}")
    config: LoraConfig = LoraConfig.from_pretrained(options.weights)
    if (config.r, config.lora_alpha) != (options.rank, options.alpha):
        raise ModelError(
            f"{options.weights}: the adapter has rank {config.r} and alpha {config.lora_alpha}; "
            f"set lora.rank and lora.alpha to them, not {options.rank} and {options.alpha:g}"
        )
    return config


def _targets(model: Any, options: LoraOptions, *, source: str) -> str:
    """Return a pattern that matches the targets in the language model and nowhere else."""
    language = model.get_decoder()
    prefix = next(name for name, module in model.named_modules() if module is language)
    count = len(language.layers)
    if (options.layers or 0) > count:
        raise ModelError(f"{source}: has {count} layers; lora.layers asks for {options.layers}")
    first = count - (options.layers or count)
    numbers = "|".join(str(number) for number in range(first, count))
    names = "|".join(re.escape(target) for target in options.targets)
    return rf"{re.escape(prefix)}\.layers\.({numbers})\.(.*\.)?({names})"


def _fill(adapted: PeftModel, folder: Path) -> None:
    report = set_peft_model_state_dict(adapted, load_peft_weights(str(folder), device="cpu"))
    lacking = [name for name in report.missing_keys if is_adapter(name)]
    if lacking or report.unexpected_keys:
        wrong = ", ".join([*lacking, *report.unexpected_keys][:5])
        raise ModelError(f"{folder}: the adapter does not fit the model: {wrong}")
