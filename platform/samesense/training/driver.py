"""The driver of a training job: splits, stages one after another on Ray Train, and the artefact."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.train
import torch
from ray.train.torch import TorchTrainer
from safetensors.torch import load_file

from samesense.artefact.folder import MODEL_FOLDER, Artefact, save_artefact
from samesense.artefact.provenance import provenance
from samesense.core.errors import ConfigError, SamesenseError, TrainingError
from samesense.corpus.manifest import Manifest
from samesense.encoder.build import build_encoder, build_skeleton
from samesense.encoder.towers.options import is_adapter
from samesense.recipe.options import StageOptions
from samesense.recipe.wiring import check_parameters, check_wiring
from samesense.training.combinations import check_combinations
from samesense.training.device import on_gpu
from samesense.training.loop import WEIGHTS_FILE, train_stage
from samesense.training.options import TrainJob
from samesense.training.plan import items_per_step
from samesense.training.sources import Source, stage_views, view_source
from samesense.training.task import StageTask, as_items
from samesense.training.watch import shown
from samesense.training.weights import load_weights
from samesense.vectors.cache import VectorCache

FillVectors = Callable[[Manifest, Path, str], VectorCache]
"""Puts the tower vectors of a manifest's images, by an artefact's view, into a cache."""

METRICS_FILE = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
START = "start"
TRAINING_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class Trained:
    """The outcome of a training job."""

    artefact: Artefact
    seconds: float
    """Wall-clock time of all stages, reading and start-up included."""
    trained_parameters: int
    """How many numbers the stages trained."""


def check_job(job: TrainJob) -> None:
    """Refuse a job that cannot work, without asking for any resource.

    Raises:
        ConfigError: naming every fault of the recipe or of the combination of options.
        ModelError: if a backbone's configuration does not load.
    """
    check_wiring(job.recipe)
    check_parameters(job.recipe)
    if not job.recipe.stages:
        raise ConfigError(f"recipe '{job.recipe.name}': has no stage to train")
    check_combinations(
        job, parameters=[name for name, _ in build_skeleton(job.recipe).blocks.named_parameters()]
    )


def train(job: TrainJob, *, manifest: Manifest, fill_vectors: FillVectors) -> Trained:
    """Train a recipe's stages on the manifest's ``train`` split and write ``<out>/model``.

    The manifest carries its splits (see ``corpus.splits``); items that are neither ``train`` nor
    ``validation`` are not looked at. Ray must be running.

    Raises:
        ConfigError: if the job cannot work.
        TrainingError: if training fails.
    """
    check_job(job)
    job = _with_absolute_models(job)
    started = time.monotonic()
    seen = manifest.of(splits=TRAINING_SPLITS)
    out = Path(job.out).absolute()
    (out / METRICS_FILE).unlink(missing_ok=True)
    artefact = _start(job, seen, out)
    names: set[str] = set()
    for stage in job.recipe.stages:
        artefact, trained = _train_stage(job, stage, artefact, seen, out, fill_vectors)
        names |= trained
    counts = {n: p.numel() for n, p in build_skeleton(job.recipe).blocks.named_parameters()}
    return Trained(
        artefact=artefact,
        seconds=time.monotonic() - started,
        trained_parameters=sum(counts[name] for name in names),
    )


def _with_absolute_models(job: TrainJob) -> TrainJob:
    """Name local models so that the artefact finds them from any working directory."""
    recipe = job.recipe
    for name, tower in recipe.towers().items():
        if Path(tower.model).is_dir():
            recipe = recipe.with_block(name, model=str(Path(tower.model).absolute()))
    for name, adapter in recipe.adapted_towers().items():
        if adapter.weights is not None:
            recipe = recipe.with_adapter(name, weights=str(Path(adapter.weights).absolute()))
    return job.model_copy(update={"recipe": recipe})


def _start(job: TrainJob, seen: Manifest, out: Path) -> Artefact:
    """Write the untrained recipe as an artefact: the towers as given, the other blocks fresh."""
    torch.manual_seed(job.seed)
    return _save(job, out / START, seen, build_encoder(job.recipe), frozenset(), {})


def _train_stage(
    job: TrainJob,
    stage: StageOptions,
    before: Artefact,
    seen: Manifest,
    out: Path,
    fill_vectors: FillVectors,
) -> tuple[Artefact, set[str]]:
    task = _task(job, stage, before, seen, out, fill_vectors)
    result = _fit(job, task, out)
    with result.checkpoint.as_directory() as folder:
        weights = load_file(Path(folder) / WEIGHTS_FILE)
    encoder = before.encoder()
    load_weights(encoder.blocks, weights)
    towers = before.recipe.towers()
    changed = {name.split(".")[0] for name in weights if not is_adapter(name)} & set(towers)
    models = {name: tower.model for name, tower in job.recipe.towers().items()}
    written = {name for name, tower in towers.items() if tower.model != models[name]}
    last = stage is job.recipe.stages[-1]
    folder_after = out / (MODEL_FOLDER if last else f"after-{stage.name}")
    after = _save(
        job,
        folder_after,
        seen,
        encoder,
        frozenset(changed | written),
        dict(result.metrics or {}),
        trained_adapters=frozenset(n.split(".")[0] for n in weights if is_adapter(n)),
    )
    return after, set(weights)


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
    splits = {name: seen.of(splits=(name,)) for name in TRAINING_SPLITS}
    caches = _caches(sources, seen, before, fill_vectors)
    concepts = seen.labels
    task = StageTask(
        recipe=recipe,
        stage=stage,
        sources=sources,
        artefact=str(before.folder),
        training=as_items(
            splits["train"], concepts=concepts, vectors=_refs(splits["train"], caches)
        ),
        validation=as_items(
            splits["validation"], concepts=concepts, vectors=_refs(splits["validation"], caches)
        ),
        metrics_file=str(out / METRICS_FILE),
        seed=job.seed,
        deepspeed=job.deepspeed,
        threads=job.workers.threads_per_worker or _threads(job.workers.count),
        limits=job.corpus.limits,
    )
    _check_step(job, task)
    return task


def _threads(workers: int) -> int:
    """Share the cores but one: arithmetic on a core that also reads data would wait for it."""
    return max(1, ((os.cpu_count() or 1) - 1) // workers)


def _caches(
    sources: Mapping[str, Source], seen: Manifest, before: Artefact, fill_vectors: FillVectors
) -> dict[Source, VectorCache]:
    cached = {source: view for view, source in sources.items() if source.kind == "cached"}
    return {s: fill_vectors(seen, before.folder, view) for s, view in cached.items()}


def _refs(split: Manifest, caches: Mapping[Source, VectorCache]) -> dict[str, object]:
    keys = list(split.column("content_hash"))
    return {s.key: ray.put(np.ascontiguousarray(c.get(keys))) for s, c in caches.items()}


def _check_step(job: TrainJob, task: StageTask) -> None:
    items = items_per_step(task.stage.sampler, domain_N=task.training.domain_N)
    workers = job.workers
    if items % workers.count:
        raise ConfigError(
            f"workers.count: the {items} items of a step of stage '{task.stage.name}' cannot be "
            f"shared equally by {workers.count} workers; change the sampler or the workers"
        )
    have = float(ray.cluster_resources().get("CPU", 0))
    asked = workers.count * workers.cpus_per_worker
    if asked + 0.5 > have:
        raise ConfigError(
            f"workers: {workers.count} workers with {workers.cpus_per_worker:g} CPUs each leave "
            f"none of the cluster's {have:g} CPUs for reading data, and training would wait for "
            "ever; lower workers.cpus_per_worker"
        )


def _fit(job: TrainJob, task: StageTask, out: Path) -> Any:
    workers = job.workers
    gpu = on_gpu(workers.device, processes=workers.count)
    scaling = ray.train.ScalingConfig(
        num_workers=workers.count,
        use_gpu=gpu,
        resources_per_worker={"CPU": workers.cpus_per_worker} | ({"GPU": 1} if gpu else {}),
    )
    run = ray.train.RunConfig(
        name=f"{task.stage.name}-{time.time_ns()}", storage_path=str(out / CHECKPOINTS)
    )
    trainer = TorchTrainer(
        train_stage, train_loop_config=task, scaling_config=scaling, run_config=run
    )
    try:
        with shown(out / METRICS_FILE, stage=task.stage):
            return trainer.fit()
    except Exception as error:
        raise _told(error) from error


def _told(error: BaseException) -> SamesenseError:
    """Return the platform's own error inside a worker's failure, or one that says where to look."""
    cause: BaseException | None = error
    while cause is not None:
        for failure in [cause, *getattr(cause, "worker_failures", {}).values()]:
            original = getattr(failure, "cause", failure)
            if isinstance(original, SamesenseError):
                return type(original)(str(original))
        cause = cause.__cause__ or cause.__context__
    return TrainingError(f"training failed in a worker: {error}")


def _save(
    job: TrainJob,
    folder: Path,
    seen: Manifest,
    encoder: Any,
    changed: frozenset[str],
    metrics: dict[str, Any],
    *,
    trained_adapters: frozenset[str] = frozenset(),
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
        trained_adapters=trained_adapters,
        metrics={name: v for name, v in metrics.items() if isinstance(v, float)},
        provenance=provenance(
            seed=job.seed, config=json.loads(job.model_dump_json()), corpus=corpus
        ),
    )
