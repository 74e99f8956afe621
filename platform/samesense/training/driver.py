"""The driver of a training job: splits, stages one after another on Ray Train, and the artefact."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from samesense.artefact.folder import MODEL_FOLDER, Artefact, load_artefact, save_artefact
from samesense.artefact.provenance import provenance
from samesense.core.errors import TrainingError
from samesense.corpus.manifest import Manifest
from samesense.encoder.build import build_encoder
from samesense.encoder.towers.options import is_adapter
from samesense.recipe.options import FitStageOptions, Stage
from samesense.recipe.parameters import count_trained
from samesense.training.checkpoints import Checkpoints
from samesense.training.checks import (
    TRAINING_SPLITS,
    check_data,
    check_job,
    in_splits,
    with_absolute_models,
)
from samesense.training.fit import fit_block
from samesense.training.options import TrainJob
from samesense.training.prepare import FillVectors, prepare_stage
from samesense.training.record import Start, claim_run
from samesense.training.task import StageTask, domain_numbers
from samesense.training.trackers.lines import VALIDATION_METRIC
from samesense.training.tracking import forget_tracks
from samesense.training.vocabulary import with_counts
from samesense.training.weights import load_weights
from samesense.training.workers import run_stage

START = "start"
RunStage = Callable[[TrainJob, StageTask, Path], None]
"""Takes the steps of a stage that its last checkpoint in the run's folder leaves."""


@dataclass(frozen=True)
class Trained:
    """The outcome of a training job."""

    artefact: Artefact
    seconds: float
    """Wall-clock time of all stages, reading and start-up included."""
    trained_parameters: int
    """How many numbers the stages trained."""


def train(
    job: TrainJob,
    *,
    manifest: Manifest,
    fill_vectors: FillVectors,
    start: Start = "new",
    run_stage: RunStage = run_stage,
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
        artefact = _train_stage(job, stage, artefact, seen, out, fill_vectors, run_stage)
    return Trained(
        artefact=artefact,
        seconds=time.monotonic() - started,
        trained_parameters=count_trained(job.recipe),
    )


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
    return _save(job, out / START, seen, build_encoder(job.recipe), metrics={})


def _train_stage(
    job: TrainJob,
    stage: Stage,
    before: Artefact,
    seen: Manifest,
    out: Path,
    fill_vectors: FillVectors,
    run_stage: RunStage,
) -> Artefact:
    folder = out / _folder_after(job, stage)
    if folder.is_dir():
        return load_artefact(folder)
    if isinstance(stage, FitStageOptions):
        training = seen.of(splits=("train",))
        vectors = fill_vectors(seen, before.folder, before.recipe.vector["image"])
        h_ND = vectors.get(list(training.column("content_hash")))
        weights = fit_block(before, stage=stage, h_ND=h_ND, domain_N=domain_numbers(training))
        score = None
    else:
        task = prepare_stage(
            job, stage=stage, before=before, seen=seen, out=out, fill_vectors=fill_vectors
        )
        run_stage(job, task, out)
        chosen = Checkpoints(task.checkpoint_folder, keep_last=task.checkpoints.keep_last).chosen()
        if chosen is None:
            raise TrainingError(f"{task.checkpoint_folder}: the stage has left no checkpoint")
        weights, score = dict(chosen.state.weights), chosen.record.score
    encoder = before.encoder()
    load_weights(encoder.blocks, weights)
    towers = before.recipe.towers()
    changed = {name.split(".")[0] for name in weights if not is_adapter(name)} & set(towers)
    models = {name: tower.model for name, tower in job.recipe.towers().items()}
    written = {name for name, tower in towers.items() if tower.model != models[name]}
    return _save(
        job,
        folder,
        seen,
        encoder,
        changed_towers=frozenset(changed | written),
        trained_adapters=frozenset(n.split(".")[0] for n in weights if is_adapter(n)),
        metrics={} if score is None else {VALIDATION_METRIC: score},
    )


def _folder_after(job: TrainJob, stage: Stage) -> str:
    return MODEL_FOLDER if stage is job.recipe.stages[-1] else f"after-{stage.name}"


def _held_out_otherwise(job: TrainJob) -> dict[str, str]:
    classes, split = job.corpus.held_out_classes, job.corpus.split
    told = {"held_out_classes": ", ".join(classes), "split": split or ""}
    return {key: value for key, value in told.items() if value}


def _save(
    job: TrainJob,
    folder: Path,
    seen: Manifest,
    encoder: Any,
    *,
    metrics: dict[str, float],
    changed_towers: frozenset[str] = frozenset(),
    trained_adapters: frozenset[str] = frozenset(),
) -> Artefact:
    corpus = {
        "uri": job.corpus.uri,
        "held_out": ", ".join(job.corpus.held_out),
        **_held_out_otherwise(job),
        "manifest_hash": seen.hash,
        "items": len(seen),
    }
    return save_artefact(
        folder,
        recipe=job.recipe,
        encoder=encoder,
        changed_towers=changed_towers,
        trained_adapters=trained_adapters,
        metrics=metrics,
        provenance=provenance(
            seed=job.seed, config=json.loads(job.model_dump_json()), corpus=corpus
        ),
    )
