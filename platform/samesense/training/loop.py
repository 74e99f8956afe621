"""The one training loop: every stage of every recipe runs here, on every rank."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import ray.train.torch
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor

from samesense.artefact.folder import load_artefact
from samesense.core.errors import TrainingError
from samesense.encoder.encoder import Encoder
from samesense.training.concepts import concept_inputs
from samesense.training.engine import set_learning_rate, start_engine
from samesense.training.feed import Batch, stream
from samesense.training.module import ViewsModule, total_loss
from samesense.training.plan import Indices, items_per_step, plan_steps
from samesense.training.schedule import learning_rate
from samesense.training.task import StageTask
from samesense.training.tracking import MetricsLog
from samesense.training.validate import VALIDATION_METRIC, cross_domain_map
from samesense.training.verify import declare_trainable, verify_changed
from samesense.training.weights import copy_weights, hash_parameters

WEIGHTS_FILE = "weights.safetensors"
VALIDATION_ITEMS_PER_FORWARD = 64


def train_stage(task: StageTask) -> None:
    """Train one stage on this rank; the first rank hands the weights over as a checkpoint.

    Raises:
        TrainingError: if the loss is not finite, or other parameters than declared changed.
    """
    torch.manual_seed(task.seed)
    torch.set_num_threads(task.threads)
    encoder = _build(task)
    declared = declare_trainable(encoder.blocks, patterns=task.stage.trainable)
    plan_SB = _rank_share(task)
    engine = start_engine(
        ViewsModule(encoder, sources=task.sources, concepts=concept_inputs(encoder, task=task)),
        optimiser=task.stage.optimiser,
        options=task.deepspeed,
        items_per_rank=plan_SB.shape[1],
    )
    zero_stage = task.deepspeed.zero_stage
    before = hash_parameters(encoder.blocks, zero_stage=zero_stage)
    kept = _Kept()
    batches = stream(task, items=task.training, plan=plan_SB)
    with MetricsLog(Path(task.metrics_file), rank=dist.get_rank()) as log:
        for step, batch in enumerate(batches):
            metrics = _step(engine, batch, step, task)
            if _validates(step, task):
                metrics[VALIDATION_METRIC] = _validate(engine, task)
                weights = copy_weights(encoder.blocks, names=declared, zero_stage=zero_stage)
                kept.offer(weights, score=metrics[VALIDATION_METRIC])
            log.write(stage=task.stage.name, step=step, **metrics)
    after = hash_parameters(encoder.blocks, zero_stage=zero_stage)
    verify_changed(before=before, after=after, declared=declared)
    if kept.score is None:
        kept.weights = copy_weights(encoder.blocks, names=declared, zero_stage=zero_stage)
    _hand_over(kept)


def _build(task: StageTask) -> Encoder:
    artefact = load_artefact(task.artefact)
    live = any(source.kind == "live" for source in task.sources.values())
    encoder = artefact.encoder() if live else artefact.aligner()
    return encoder.to(ray.train.torch.get_device())


def _rank_share(task: StageTask) -> Indices:
    items, sampler = task.training, task.stage.sampler
    plan_SB = plan_steps(
        sampler,
        concept_N=items.concept_N,
        domain_N=items.domain_N,
        seed=task.seed,
        first=0,
        last=task.stage.steps,
    )
    share = items_per_step(sampler, domain_N=items.domain_N) // dist.get_world_size()
    start = dist.get_rank() * share
    return plan_SB[:, start : start + share]


def _step(engine: Any, batch: Batch, step: int, task: StageTask) -> dict[str, float]:
    rate = learning_rate(task.stage.optimiser, step=step, steps=task.stage.steps)
    set_learning_rate(engine, value=rate)
    tensors = engine(batch.inputs)
    _check_finite(tensors, step=step, task=task)
    loss, terms = total_loss(tensors, batch=batch, stage=task.stage, step=step)
    _check_finite({"loss": loss}, step=step, task=task)
    engine.backward(loss)
    engine.step()
    return {"loss": float(loss.detach()), **terms, "learning_rate": rate}


def _check_finite(tensors: Mapping[str, Tensor], *, step: int, task: StageTask) -> None:
    wild = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if wild:
        raise TrainingError(
            f"stage '{task.stage.name}', step {step}: {', '.join(wild)} not finite; lower "
            f"optimiser.learning_rate (now {task.stage.optimiser.learning_rate:.2g}) or use float32"
        )


def _validates(step: int, task: StageTask) -> bool:
    every = task.stage.validate_every_steps
    return every is not None and ((step + 1) % every == 0 or step + 1 == task.stage.steps)


def _validate(engine: Any, task: StageTask) -> float:
    """Score the validation items. Every rank does it all, so that none waits for another."""
    items, view = task.validation, task.recipe.vector["image"]
    order_N = np.arange(len(items.concept_N))
    cuts = range(VALIDATION_ITEMS_PER_FORWARD, len(order_N), VALIDATION_ITEMS_PER_FORWARD)
    training = {name: part.training for name, part in engine.named_modules()}
    engine.eval()
    with torch.no_grad():
        batches = stream(task, items=items, plan=np.split(order_N, list(cuts)))
        z_ND = torch.cat([engine(batch.inputs)[view].cpu() for batch in batches]).numpy()
    for name, part in engine.named_modules():
        part.training = training[name]
    return cross_domain_map(z_ND, concept_N=items.concept_N, domain_N=items.domain_N)


@dataclass
class _Kept:
    """The weights with the best validation score so far."""

    weights: dict[str, Tensor] = field(default_factory=dict)
    score: float | None = None

    def offer(self, weights: dict[str, Tensor], *, score: float) -> None:
        if self.score is None or score > self.score:
            self.score, self.weights = score, weights


def _hand_over(kept: _Kept) -> None:
    metrics = {} if kept.score is None else {VALIDATION_METRIC: kept.score}
    if dist.get_rank() != 0:
        ray.train.report(metrics)
        return
    with tempfile.TemporaryDirectory() as folder:
        save_file(kept.weights, Path(folder) / WEIGHTS_FILE)
        ray.train.report(metrics, checkpoint=ray.train.Checkpoint.from_directory(folder))
