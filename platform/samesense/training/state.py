"""What it takes to go on after a step, in a form that knows no ranks and no sharding.

DeepSpeed cuts weights and moments into pieces that fit one world size and one ZeRO stage. Trained
parameters are few, so they are kept whole, by name, and cut again for whoever goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq")
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class TrainState:
    """Weights and AdamW's memory of the trained parameters, float32, on the CPU."""

    weights: Tensors
    """Parameter name → value."""
    moments: Mapping[str, Tensors]
    """``exp_avg`` and ``exp_avg_sq`` → parameter name → value."""
    updates: int
    """How often AdamW has moved the parameters."""


def take_state(
    engine: Any, parameters: Mapping[str, nn.Parameter], *, zero_stage: int
) -> TrainState:
    """Copy the state of named parameters out of a DeepSpeed engine. Every rank must call it."""
    _link_moments(engine, zero_stage)
    counts = [int(memory["step"]) for memory in _adamw(engine).state.values()]
    return TrainState(
        weights=take_weights(engine, parameters, zero_stage=zero_stage),
        moments={moment: _take(engine, parameters, moment, zero_stage) for moment in MOMENTS},
        updates=max(counts, default=0),
    )


def take_weights(
    engine: Any, parameters: Mapping[str, nn.Parameter], *, zero_stage: int
) -> Tensors:
    """Copy the float32 weights that AdamW moves, also where the module computes with others.

    Every rank must call it.
    """
    return _take(engine, parameters, "weights", zero_stage)


def _take(
    engine: Any, parameters: Mapping[str, nn.Parameter], part: str, zero_stage: int
) -> Tensors:
    return {
        name: _whole(engine, parameter, part, zero_stage).detach().float().cpu().clone()
        for name, parameter in parameters.items()
    }


def put_state(
    engine: Any, state: TrainState, parameters: Mapping[str, nn.Parameter], *, zero_stage: int
) -> None:
    """Put a state into a fresh engine whose module holds the state's weights already.

    The module's weights decide what the ranks compute with; here come the float32 weights behind
    them, where ZeRO keeps such, and the moments. Every rank must call it.
    """
    for held in _held(engine, parameters, zero_stage):
        fresh = {moment: torch.zeros_like(held.data) for moment in MOMENTS}
        _adamw(engine).state[held] = {"step": torch.tensor(float(state.updates)), **fresh}
    _link_moments(engine, zero_stage)
    for name, parameter in parameters.items():
        _put(engine, parameter, "weights", state.weights[name], zero_stage)
        for moment in MOMENTS:
            _put(engine, parameter, moment, state.moments[moment][name], zero_stage)


def _adamw(engine: Any) -> torch.optim.Optimizer:
    inner: torch.optim.Optimizer = getattr(engine.optimizer, "optimizer", engine.optimizer)
    return inner


def _held(engine: Any, parameters: Mapping[str, nn.Parameter], zero_stage: int) -> list[Any]:
    """Return the tensors that AdamW moves on this rank; ZeRO joins parameters and cuts them."""
    match zero_stage:
        case 0:
            return list(parameters.values())
        case 3:
            return list(engine.optimizer.fp32_partitioned_groups_flat)
        case _:
            return list(engine.optimizer.single_partition_of_fp32_groups)


def _link_moments(engine: Any, zero_stage: int) -> None:
    """Let ZeRO 1 and 2 find every group's moments; they look once only, after the first group."""
    if zero_stage not in (1, 2):
        return
    from deepspeed.utils.mixed_precision_linkage import lazy_init_hp_params_optimizer_state

    zero = engine.optimizer
    for group, held in zip(zero.bit16_groups, zero.single_partition_of_fp32_groups, strict=True):
        lazy_init_hp_params_optimizer_state(group, held, zero.optimizer.state)


def _whole(engine: Any, parameter: nn.Parameter, part: str, zero_stage: int) -> Tensor:
    import deepspeed.utils as zero

    if zero_stage == 0:
        memory = _adamw(engine).state[parameter]
        return parameter if part == "weights" else memory.get(part, torch.zeros_like(parameter))
    found: Tensor = (
        zero.safe_get_full_fp32_param(parameter)
        if part == "weights"
        else zero.safe_get_full_optimizer_state(parameter, part)
    )
    return found


def _put(engine: Any, parameter: nn.Parameter, part: str, value: Tensor, zero_stage: int) -> None:
    import deepspeed.utils as zero

    value = value.to(parameter.device)
    if zero_stage == 0:
        if part != "weights":
            _adamw(engine).state[parameter][part].copy_(value)
    elif zero_stage == 3:
        piece = _piece(value, parameter)
        if part == "weights":
            zero.safe_set_local_fp32_param(parameter, piece)
        else:
            zero.safe_set_local_optimizer_state(parameter, piece, part)
    elif part == "weights":
        zero.safe_set_full_fp32_param(parameter, value)
    else:
        zero.safe_set_full_optimizer_state(parameter, value, part)


def _piece(value: Tensor, parameter: Any) -> Tensor:
    """Return this rank's piece of a tensor that ZeRO-3 cuts, with zeros where the last is short."""
    length = parameter.ds_tensor.numel()
    flat = value.new_zeros(length * dist.get_world_size())
    flat[: value.numel()] = value.flatten()
    return flat[dist.get_rank() * length :][:length]
