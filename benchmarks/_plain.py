"""The loops that anyone would write with transformers and PEFT alone, and how a loop is measured.

Shapes: B images of a batch, D width.
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForImageTextToText

from samesense.encoder.towers.options import LoraOptions
from samesense.objectives.multi_positive import multi_positive

Inputs = dict[str, Tensor]
Step = Callable[[Inputs], object]
MIB = 1 << 20
WARM_UP = 3
CONCEPTS, DOMAINS = 4, 3


@dataclass(frozen=True)
class Measured:
    """What a loop has cost."""

    images_per_s: float
    flops_an_image: float
    """Of the matrix products and attentions that were run, counted."""
    peak_mib: float | None
    """The most that tensors have taken on the GPU, weights included; on the CPU unknown."""


def plain_encode(folder: str, *, device: str) -> Step:
    """Return a forward in bfloat16 to the state of the last token."""
    model = _load(folder, device).base_model

    @torch.inference_mode()
    def encode(inputs: Inputs) -> Tensor:
        return _last_state(model, inputs, device).float().cpu()

    return encode


def plain_learn(folder: str, *, device: str, lora: LoraOptions) -> Step:
    """Return a step of LoRA training, all in bfloat16, contrastive as the platform's."""
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.targets))
    adapted = get_peft_model(_load(folder, device), config, autocast_adapter_dtype=False)
    model = adapted.get_base_model().base_model
    learning = [p for p in adapted.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=1e-4)

    def learn(inputs: Inputs) -> None:
        z_BD = F.normalize(_last_state(model, inputs, device).float(), dim=-1)
        number_B = torch.arange(len(z_BD), device=device)
        concept_B, domain_B = number_B % CONCEPTS, number_B // CONCEPTS % DOMAINS
        loss = multi_positive(z_BD, concept_B=concept_B, domain_B=domain_B, temperature=0.1)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()

    return learn


def measure(step: Step, batches: Sequence[Inputs], *, rounds: int, device: str) -> Measured:
    """Count the work of one step, then time so many over the batches in turn, warm."""
    images = len(batches[0]["input_ids"])
    with FlopCounterMode(display=False) as counted:
        step(batches[0])
    for number in range(WARM_UP):
        step(batches[number % len(batches)])
    started = _now(device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for number in range(rounds):
        step(batches[number % len(batches)])
    seconds = _now(device) - started
    return Measured(
        images_per_s=rounds * images / seconds,
        flops_an_image=counted.get_total_flops() / images,
        peak_mib=torch.cuda.max_memory_allocated() / MIB if device == "cuda" else None,
    )


def free_gpu() -> None:
    """Give the memory of models that are no longer used back to the card."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _load(folder: str, device: str) -> Any:
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.bfloat16)
    return model.to(device).eval()


def _last_state(model: Any, inputs: Inputs, device: str) -> Tensor:
    """Return the last token's state (B, D): inputs are padded on the left."""
    placed = {name: value.to(device) for name, value in inputs.items()}
    states_BLD: Tensor = model(**placed, use_cache=False).last_hidden_state
    return states_BLD[:, -1]


def _now(device: str) -> float:
    """Return the time at which all that was asked of the device is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
