"""What the workers of a stage need, brought together by the driver: items, vectors and names."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import ray

from samesense.artefact.folder import Artefact
from samesense.core.errors import ConfigError, Fault
from samesense.corpus.manifest import Manifest
from samesense.encoder.build import build_skeleton
from samesense.recipe.options import StageOptions
from samesense.training.checks import TRAINING_SPLITS, in_splits
from samesense.training.concepts import prepare_concepts
from samesense.training.device import on_gpu
from samesense.training.options import TrainJob
from samesense.training.record import checkpoint_root
from samesense.training.sources import Source, stage_views, view_source
from samesense.training.task import StageTask, as_items
from samesense.training.vocabulary import with_anchors
from samesense.vectors.cache import VectorCache

FillVectors = Callable[[Manifest, Path, str], VectorCache]
"""Puts the tower vectors of a manifest's images, by an artefact's view, into a cache."""


def prepare_stage(
    job: TrainJob,
    *,
    stage: StageOptions,
    before: Artefact,
    seen: Manifest,
    out: Path,
    fill_vectors: FillVectors,
) -> StageTask:
    """Return the task of a stage's workers, with its tower vectors in Ray's store.

    Raises:
        ConfigError: if the cluster cannot place the workers.
    """
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
    )
    _check_room(job)
    return task


def _threads(workers: int) -> int:
    """Share the cores but one: arithmetic on a core that also reads data would wait for it."""
    return max(1, ((os.cpu_count() or 1) - 1) // workers)


def _caches(
    sources: Mapping[str, Source], seen: Manifest, before: Artefact, fill_vectors: FillVectors
) -> dict[Source, VectorCache]:
    cached = {
        source: view
        for view, source in sources.items()
        if source.kind == "cached" and source.modality == "image"
    }
    return {s: fill_vectors(seen, before.folder, view) for s, view in cached.items()}


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
