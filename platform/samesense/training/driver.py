"""The driver of a training job: splits, stages one after another on Ray Train, and the artefact."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch

from samesense.artefact.folder import MODEL_FOLDER, Artefact, load_artefact, save_artefact
from samesense.artefact.provenance import provenance
from samesense.core.errors import ConfigError, Fault, TrainingError
from samesense.corpus.manifest import Manifest
from samesense.encoder.build import build_encoder, build_skeleton
from samesense.recipe.options import FitStageOptions, Recipe, Stage, StageOptions
from samesense.training.checkpoints import Checkpoints
from samesense.training.checks import (
    TRAINING_SPLITS,
    check_data,
    check_job,
    in_splits,
    with_absolute_models,
)
from samesense.training.concepts import prepare_concepts
from samesense.training.device import on_gpu
from samesense.training.fit import fit_block
from samesense.training.options import TrainJob
from samesense.training.record import Start, checkpoint_root, claim_run
from samesense.training.sources import Source, stage_views, view_source
from samesense.training.task import StageTask, as_items, domain_numbers
from samesense.training.tracking import forget_tracks
from samesense.training.validate import VALIDATION_METRIC
from samesense.training.vocabulary import with_anchors, with_counts
from samesense.training.weights import load_weights
from samesense.training.workers import run_stage
from samesense.vectors.cache import VectorCache

FillVectors = Callable[[Manifest, Path], VectorCache]
"""Puts the tower vectors of a manifest's images, by an artefact's tower, into a cache."""

START = "start"


@dataclass(frozen=True)
class Trained:
    """The outcome of a training job."""

    artefact: Artefact
    seconds: float
    """Wall-clock time of all stages, reading and start-up included."""
    trained_parameters: int
    """How many numbers the stages trained."""


def train(
    job: TrainJob, *, manifest: Manifest, fill_vectors: FillVectors, start: Start = "new"
) -> Trained:
    """Train a recipe's stages on the manifest's ``train`` split and write ``<out>/model``.

    The manifest carries its splits (see ``corpus.splits``); items that are neither ``train`` nor
    ``validation`` are not looked at. Ray must be running.

    Raises:
        ConfigError: if the job cannot work, or ``out`` holds a run that ``start`` does not expect.
        TrainingError: if training fails.
        StoppedError: if a signal asked it to stop.
    """
    check_job(job, start=start)
    check_data(job, manifest=manifest, start=start)
    job = with_absolute_models(job)
    started = time.monotonic()
    seen = in_splits(manifest, TRAINING_SPLITS)
    out = Path(job.out).absolute()
    claim_run(job, manifest_hash=seen.hash, start=start)
    job = job.model_copy(update={"recipe": with_counts(job.recipe, seen=seen)})
    if start != "resume":
        _remove_outcome(job, out)
    artefact = _start(job, seen, out)
    for stage in job.recipe.stages:
        artefact = _train_stage(job, stage, artefact, seen, out, fill_vectors)
    return Trained(
        artefact=artefact,
        seconds=time.monotonic() - started,
        trained_parameters=_count_learned(job.recipe),
    )


def _count_learned(recipe: Recipe) -> int:
    blocks = build_skeleton(recipe).blocks
    trained = [p for s in recipe.stages if isinstance(s, StageOptions) for p in s.trainable]
    fitted = {s.block for s in recipe.stages if isinstance(s, FitStageOptions)}
    tensors = {
        **{n: p for n, p in blocks.named_parameters() if any(re.fullmatch(t, n) for t in trained)},
        **{n: b for n, b in blocks.named_buffers() if n.split(".")[0] in fitted},
    }
    return sum(tensor.numel() for tensor in tensors.values())


def _remove_outcome(job: TrainJob, out: Path) -> None:
    forget_tracks(out)
    for stage in job.recipe.stages:
        shutil.rmtree(out / _folder_after(job, stage), ignore_errors=True)
    shutil.rmtree(out / START, ignore_errors=True)


def _start(job: TrainJob, seen: Manifest, out: Path) -> Artefact:
    """Write the untrained recipe as an artefact: the towers as given, the other blocks fresh."""
    if (out / START).is_dir():
        return load_artefact(out / START)
    torch.manual_seed(job.seed)
    return _save(job, out / START, seen, build_encoder(job.recipe), frozenset(), {})


def _train_stage(
    job: TrainJob,
    stage: Stage,
    before: Artefact,
    seen: Manifest,
    out: Path,
    fill_vectors: FillVectors,
) -> Artefact:
    folder = out / _folder_after(job, stage)
    if folder.is_dir():
        return load_artefact(folder)
    if isinstance(stage, FitStageOptions):
        training = seen.of(splits=("train",))
        h_ND = fill_vectors(seen, before.folder).get(list(training.column("content_hash")))
        weights = fit_block(before, stage=stage, h_ND=h_ND, domain_N=domain_numbers(training))
        score = None
    else:
        task = _task(job, stage, before, seen, out, fill_vectors)
        run_stage(job, task, out=out)
        chosen = Checkpoints(task.checkpoint_folder, keep_last=task.checkpoints.keep_last).chosen()
        if chosen is None:
            raise TrainingError(f"{task.checkpoint_folder}: the stage has left no checkpoint")
        weights, score = dict(chosen.state.weights), chosen.record.score
    encoder = before.encoder()
    load_weights(encoder.blocks, weights)
    towers = before.recipe.towers()
    changed = {name.split(".")[0] for name in weights} & set(towers)
    written = {name for name, tower in towers.items() if tower != job.recipe.towers()[name]}
    metrics = {} if score is None else {VALIDATION_METRIC: score}
    return _save(job, folder, seen, encoder, frozenset(changed | written), metrics)


def _folder_after(job: TrainJob, stage: Stage) -> str:
    return MODEL_FOLDER if stage is job.recipe.stages[-1] else f"after-{stage.name}"


def _task(
    job: TrainJob,
    stage: StageOptions,
    before: Artefact,
    seen: Manifest,
    out: Path,
    fill_vectors: FillVectors,
) -> StageTask:
    recipe = before.recipe
    names = [name for name, _ in build_skeleton(recipe).blocks.named_parameters()]
    sources = {
        view: view_source(recipe, stage=stage, view=view, parameters=names)
        for view in stage_views(recipe, stage=stage)
    }
    splits = {name: in_splits(seen, (name,)) for name in TRAINING_SPLITS}
    caches = _caches(sources, seen, before, fill_vectors)
    concepts = seen.labels
    task = StageTask(
        recipe=recipe,
        stage=with_anchors(stage, domains=splits["train"].domains),
        sources=sources,
        artefact=str(before.folder),
        training=as_items(
            splits["train"], concepts=concepts, vectors=_refs(splits["train"], caches)
        ),
        validation=as_items(
            splits["validation"], concepts=concepts, vectors=_refs(splits["validation"], caches)
        ),
        concepts=prepare_concepts(
            concepts,
            sources=sources,
            artefact=before,
            gpu=on_gpu(job.workers.device, processes=1),
        ),
        checkpoint_folder=f"{checkpoint_root(job)}/{stage.name}",
        checkpoints=job.checkpoints,
        out=str(out),
        tracking=job.tracking,
        config=json.loads(job.model_dump_json()),
        seed=job.seed,
        deepspeed=job.deepspeed,
        threads=job.workers.threads_per_worker or _threads(job.workers.count),
        limits=job.corpus.limits,
        stop=None,
    )
    _check_room(job)
    return task


def _threads(workers: int) -> int:
    """Share the cores but one: arithmetic on a core that also reads data would wait for it."""
    return max(1, ((os.cpu_count() or 1) - 1) // workers)


def _caches(
    sources: Mapping[str, Source], seen: Manifest, before: Artefact, fill_vectors: FillVectors
) -> dict[Source, VectorCache]:
    cached = {s for s in sources.values() if s.kind == "cached" and s.modality == "image"}
    return {s: fill_vectors(seen, before.folder) for s in cached}


def _refs(split: Manifest, caches: Mapping[Source, VectorCache]) -> dict[str, object]:
    keys = list(split.column("content_hash"))
    return {s.key: ray.put(np.ascontiguousarray(c.get(keys))) for s, c in caches.items()}


def _check_room(job: TrainJob) -> None:
    workers = job.workers
    have = float(ray.cluster_resources().get("CPU", 0))
    asked = workers.count * workers.cpus_per_worker
    if asked + 0.5 > have:
        message = (
            f"{workers.count} workers with {workers.cpus_per_worker:g} CPUs each leave none of the "
            f"cluster's {have:g} CPUs for reading data, and training would wait for ever; lower "
            "workers.cpus_per_worker"
        )
        raise ConfigError(Fault(("workers",), message))


def _save(
    job: TrainJob,
    folder: Path,
    seen: Manifest,
    encoder: Any,
    changed: frozenset[str],
    metrics: dict[str, float],
) -> Artefact:
    corpus = {
        "uri": job.corpus.uri,
        "held_out": ", ".join(job.corpus.held_out),
        "manifest_hash": seen.hash,
        "items": len(seen),
    }
    return save_artefact(
        folder,
        recipe=job.recipe,
        encoder=encoder,
        changed_towers=changed,
        metrics=metrics,
        provenance=provenance(
            seed=job.seed, config=json.loads(job.model_dump_json()), corpus=corpus
        ),
    )
