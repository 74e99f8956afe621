"""The one training loop: every stage of every recipe runs here, on every rank."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from samesense.artefact.folder import load_artefact
from samesense.core.errors import TrainingError
from samesense.encoder.encoder import Encoder
from samesense.training.checkpoints import Checkpoint, Checkpoints
from samesense.training.concepts import concept_inputs
from samesense.training.engine import set_learning_rate, start_engine
from samesense.training.feed import Batch, stream
from samesense.training.measure import Meter
from samesense.training.module import ViewsModule
from samesense.training.plan import Indices, items_per_step, plan_steps
from samesense.training.schedule import learning_rate
from samesense.training.state import put_state, take_state, take_weights
from samesense.training.step import parts_per_step, reading_order, train_step
from samesense.training.stop import stop_asked
from samesense.training.task import StageTask
from samesense.training.trackers.lines import VALIDATION_METRIC
from samesense.training.tracking import Tracked, track_stage
from samesense.training.validate import cross_domain_map
from samesense.training.verify import declare_trainable, verify_changed
from samesense.training.weights import hash_parameters, hash_tensor, load_weights

VALIDATION_ITEMS_PER_FORWARD = 64


def train_stage(task: StageTask, *, device: torch.device) -> None:
    """Train one stage on this rank of a process group, from its last checkpoint on.

    The first rank writes checkpoints.

    Raises:
        TrainingError: if the loss is not finite, a checkpoint cannot be written, or other
            parameters than declared changed.
    """
    torch.manual_seed(task.seed)
    torch.set_num_threads(task.threads)
    encoder = _build(task).to(device)
    declared = declare_trainable(encoder.blocks, patterns=task.stage.trainable)
    parameters = dict(encoder.blocks.named_parameters())
    fresh = {name: parameters[name].detach().clone() for name in declared}
    checkpoints = Checkpoints(task.checkpoint_folder, keep_last=task.checkpoints.keep_last)
    last = _last_checkpoint(checkpoints)
    run = _Run(task, encoder, declared, checkpoints, last)
    before = hash_parameters(encoder.blocks, zero_stage=task.deepspeed.zero_stage)
    before |= {name: hash_tensor(weight.float()) for name, weight in fresh.items()}
    if not run.go_on():
        return
    after = hash_parameters(encoder.blocks, zero_stage=task.deepspeed.zero_stage)
    after |= {name: hash_tensor(weight) for name, weight in run.learned().items()}
    verify_changed(before=before, after=after, declared=declared)


class _Run:
    """The steps of a stage that are still to be taken, on this rank."""

    def __init__(
        self,
        task: StageTask,
        encoder: Encoder,
        declared: list[str],
        checkpoints: Checkpoints,
        last: Checkpoint | None,
    ) -> None:
        self.task = task
        self.checkpoints = checkpoints
        self.first = last.record.step if last else 0
        parameters = dict(encoder.blocks.named_parameters())
        self.trained: dict[str, nn.Parameter] = {name: parameters[name] for name in declared}
        share = _items_per_rank(task)
        self.meter = Meter(images_per_step=share * dist.get_world_size())
        self.parts = parts_per_step(task, items_per_rank=share)
        if last:
            load_weights(encoder.blocks, last.state.weights)
        self.engine = start_engine(
            ViewsModule(encoder, sources=task.sources, concepts=concept_inputs(encoder, task=task)),
            optimiser=task.stage.optimiser,
            options=task.deepspeed,
            items_per_forward=-(-share // self.parts),
            forwards_per_step=self.parts,
        )
        if last:
            put_state(self.engine, last.state, self.trained, zero_stage=task.deepspeed.zero_stage)

    def go_on(self) -> bool:
        """Take the steps that remain; return False if the run was asked to stop before the end."""
        task, steps = self.task, self.task.stage.steps
        if self.first == steps:
            return True
        plan = reading_order(_rank_share(task, first=self.first), parts=self.parts)
        batches = self.meter.timed(stream(task, items=task.training, plan=plan))
        with _tracked(task, first_step=self.first) as tracked:
            for step in range(self.first, steps):
                metrics = self._step(batches, step)
                if _validates(done=step + 1, task=task):
                    metrics[VALIDATION_METRIC] = _validate(self.engine, task)
                tracked.write(step, metrics)
                asked = stop_asked(Path(task.out))
                self._keep(done=step + 1, score=metrics.get(VALIDATION_METRIC), asked=asked)
                if asked and step + 1 < steps:
                    return False
        return True

    def learned(self) -> Mapping[str, Tensor]:
        """Return the trained parameters' float32 weights. Every rank must call it."""
        return take_weights(self.engine, self.trained, zero_stage=self.task.deepspeed.zero_stage)

    def _step(self, batches: Iterator[Batch], step: int) -> dict[str, float | None]:
        task = self.task
        self.meter.start()
        rate = learning_rate(task.stage.optimiser, step=step, steps=task.stage.steps)
        set_learning_rate(self.engine, value=rate)
        seen = train_step(self.engine, batches, step=step, parts=self.parts, task=task)
        return {**seen, "learning_rate": rate, **self.meter.read()}

    def _keep(self, *, done: int, score: float | None, asked: bool) -> None:
        """Write a checkpoint, where it is time to."""
        due = done % self.task.checkpoints.every_steps == 0 or done == self.task.stage.steps
        if due or asked or score is not None:
            zero_stage = self.task.deepspeed.zero_stage
            state = take_state(self.engine, self.trained, zero_stage=zero_stage)
            if dist.get_rank() == 0:
                self.checkpoints.write(state, step=done, score=score)


def _build(task: StageTask) -> Encoder:
    artefact = load_artefact(task.artefact)
    live = any(source.kind == "live" for source in task.sources.values())
    return artefact.encoder() if live else artefact.aligner()


def _tracked(task: StageTask, *, first_step: int) -> Tracked:
    return track_stage(
        Path(task.out),
        stage=task.stage.name,
        first_step=first_step,
        rank=dist.get_rank(),
        options=task.tracking,
        config=task.config,
    )


def _last_checkpoint(checkpoints: Checkpoints) -> Checkpoint | None:
    """Return the checkpoint to go on from, the same on all ranks."""
    last = checkpoints.newest()
    steps: list[int | None] = [None] * dist.get_world_size()
    dist.all_gather_object(steps, last.record.step if last else 0)
    if len(set(steps)) > 1:
        raise TrainingError(
            f"workers see different checkpoints (steps {steps}); checkpoints.storage must be a "
            "folder that all nodes share, or an s3:// URI"
        )
    return last


def _items_per_rank(task: StageTask) -> int:
    whole = items_per_step(task.stage.sampler, domain_N=task.training.domain_N)
    return whole // dist.get_world_size()


def _rank_share(task: StageTask, *, first: int) -> Indices:
    items, share = task.training, _items_per_rank(task)
    plan_SB = plan_steps(
        task.stage.sampler,
        concept_N=items.concept_N,
        domain_N=items.domain_N,
        seed=task.seed,
        first=first,
        last=task.stage.steps,
    )
    start = dist.get_rank() * share
    return plan_SB[:, start : start + share]


def _validates(*, done: int, task: StageTask) -> bool:
    """Return whether to validate now: never where no domain can be searched in another one."""
    every = task.stage.validate_every_steps
    if len(np.unique(task.validation.domain_N)) < 2:
        return False
    return every is not None and (done % every == 0 or done == task.stage.steps)


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
