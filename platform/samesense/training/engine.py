"""DeepSpeed around a module: sharding, precision and the optimiser from typed options."""

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from samesense.recipe.options import OptimiserOptions
from samesense.training.options import DeepSpeedOptions

SHARED_MEMORY_OP = "deepspeed_shm_comm"


def start_engine(
    module: nn.Module,
    *,
    optimiser: OptimiserOptions,
    options: DeepSpeedOptions,
    items_per_forward: int,
    forwards_per_step: int,
) -> Any:
    """Return a DeepSpeed engine over the module's trainable parameters.

    A process group must have been started. Weights (two dimensions and more) are decayed;
    biases, norms and temperatures are not.
    """
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed

    deepspeed.utils.logger.setLevel("ERROR")
    # Its shared-memory collectives would be compiled at first use, which takes a C++ compiler.
    deepspeed.ops.__compatible_ops__.pop(SHARED_MEMORY_OP, None)
    _leave_scalars_out_of_broadcast(module)
    engine, *_ = deepspeed.initialize(
        model=module,
        model_parameters=_groups(module.parameters(), optimiser),
        config=_config(optimiser, options, items_per_forward, forwards_per_step),
        dist_init_required=None,
    )
    return engine


def _leave_scalars_out_of_broadcast(module: nn.Module) -> None:
    """Mark parameters without a dimension, at which DeepSpeed's broadcast of weights fails.

    Nothing is lost: every rank has loaded the same artefact.
    """
    for parameter in module.parameters():
        if parameter.dim() == 0:
            parameter.ds_optim_param = None  # type: ignore[attr-defined]


def set_learning_rate(engine: Any, *, value: float) -> None:
    """Give every parameter group this rate."""
    for group in engine.optimizer.param_groups:
        group["lr"] = value


def take_step(engine: Any) -> float | None:
    """Let the optimiser move the parameters; return the norm of all ranks' mean gradient, not
    clipped, or None while parts of the first step are still to come.

    Gradients must have been computed. Without ZeRO, DeepSpeed keeps no norm and deletes the
    gradients with the step, so it is taken before; a step that ZeRO skips has an infinite norm.
    """
    norm = None if engine.zero_optimization() else _gradient_norm(engine.module.parameters())
    engine.step()
    if norm is None:
        norm = engine.get_global_grad_norm()
    return None if norm is None else float(norm)


def _gradient_norm(parameters: Iterable[nn.Parameter]) -> torch.Tensor:
    gradients = [p.grad for p in parameters if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


def gathered(parameters: Iterable[nn.Parameter], *, zero_stage: int) -> Any:
    """Return a context in which parameters are whole, also where ZeRO-3 shards them."""
    import deepspeed

    return deepspeed.zero.GatheredParameters(list(parameters), enabled=zero_stage == 3)


def _groups(
    parameters: Iterable[nn.Parameter], optimiser: OptimiserOptions
) -> list[dict[str, Any]]:
    trained = [p for p in parameters if p.requires_grad]
    groups = (
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": optimiser.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    )
    return [group for group in groups if group["params"]]


def _config(
    optimiser: OptimiserOptions,
    options: DeepSpeedOptions,
    items_per_forward: int,
    forwards_per_step: int,
) -> dict[str, Any]:
    return {
        "train_micro_batch_size_per_gpu": items_per_forward,
        "gradient_accumulation_steps": forwards_per_step,
        "gradient_clipping": optimiser.gradient_clip,
        "optimizer": {
            "type": "AdamW",
            "params": {
                "lr": optimiser.learning_rate,
                "betas": list(optimiser.betas),
                "weight_decay": optimiser.weight_decay,
                "torch_adam": True,
            },
        },
        "zero_optimization": {"stage": options.zero_stage},
        "bf16": {"enabled": options.precision == "bfloat16"},
        "steps_per_print": 1_000_000_000,
    }
