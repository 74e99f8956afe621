"""All runs of an ablation: laid out, checked, carried out side by side as Ray tasks."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ray

from samesense.core.errors import SamesenseError, blame
from samesense.core.progress import progress
from samesense.corpus.manifest import Manifest
from samesense.experiments.experiment import fit_steps
from samesense.experiments.options import AblateJob
from samesense.experiments.towers import embed_for, learns_in_tower
from samesense.experiments.trial import Trial
from samesense.experiments.variants import variant_recipes
from samesense.training.checks import check_data, check_job
from samesense.training.device import on_gpu
from samesense.training.options import TrainingCorpusOptions, TrainJob
from samesense.training.record import Start

CPUS_PER_RUN, CPUS_PER_FEED = 0.5, 0.5
"""Shares of a CPU that Ray reserves for a run and for what reads its data."""
RESTARTS = 2
RUNS_A_PROCESS = 20
"""After which what libraries keep of each run is given back with the process."""
TOWERS = "towers"


@dataclass(frozen=True)
class Failed:
    """A run that could not be finished."""

    trial: Trial
    why: str


def plan_trials(job: AblateJob, *, manifest: Manifest) -> list[Trial]:
    """Return all runs, folds outermost, so that every variant soon has numbers.

    Raises:
        ConfigError: if a variant's changes do not fit the recipe.
        CorpusError: if the corpus cannot be split.
    """
    recipes = variant_recipes(job)
    trials = []
    for seed in job.seeds:
        for held_out in job.corpus.held_out or manifest.domains:
            without = TrainingCorpusOptions(
                uri=job.corpus.uri,
                held_out=(held_out,),
                shares=job.corpus.shares,
                limits=job.corpus.limits,
            )
            for name, recipe in recipes.items():
                training = TrainJob(
                    corpus=without,
                    recipe=recipe,
                    out=str(Path(job.out).absolute() / name / f"{held_out}-seed{seed}"),
                    cache=str(Path(job.cache).absolute()),
                    seed=seed,
                    deepspeed=job.deepspeed,
                )
                trials.append(Trial(variant=name, job=training))
    return trials


def check_trials(
    trials: Sequence[Trial], *, manifest: Manifest, start: Start = "resume"
) -> list[Trial]:
    """Return the runs with steps that their data can fill, after checking that each can work.

    Raises:
        SamesenseError: naming the variant that cannot, or the run in its place that is another.
    """
    splits: dict[tuple[str, int], Manifest] = {}
    fitted = []
    for trial in trials:
        key = (trial.job.corpus.held_out[0], trial.job.seed)
        split = splits[key] if key in splits else splits.setdefault(key, trial.split(manifest))
        recipe = fit_steps(trial.job.recipe, split=split)
        job = trial.job.model_copy(update={"recipe": recipe})
        with blame("variants", trial.variant):
            check_job(job, start=start)
            check_data(job, manifest=split, start=start)
            if start == "resume":
                trial.outcome()
        fitted.append(Trial(variant=trial.variant, job=job))
    return fitted


def forget_runs(trials: Sequence[Trial]) -> None:
    """Remove the runs that lie in the trials' places."""
    for trial in trials:
        shutil.rmtree(trial.job.out, ignore_errors=True)


def run_ablation(job: AblateJob, trials: Sequence[Trial], *, manifest: Manifest) -> list[Failed]:
    """Finish the runs that are not, and return those that could not be.

    Runs on cached vectors go side by side; one that trains its tower has the machine for itself.
    A run whose process dies goes on from its last checkpoint in another. Ray must be running.
    """
    waiting = [trial for trial in trials if trial.outcome() is None]
    towers = Path(job.out).absolute() / TOWERS
    embed_for(waiting, manifest=manifest, out=towers, device=job.device)
    gpu = on_gpu(job.device, processes=1)
    resources = ray.cluster_resources()
    room = resources["GPU"] if gpu else resources["CPU"] // (CPUS_PER_RUN + CPUS_PER_FEED)
    at_once = job.runs_at_once or max(1, int(room))
    heavy = {variant: learns_in_tower(recipe) for variant, recipe in variant_recipes(job).items()}
    lanes = (
        ([trial for trial in waiting if not heavy[trial.variant]], at_once),
        ([trial for trial in waiting if heavy[trial.variant]], job.runs_at_once or 1),
    )
    failed: list[Failed] = []
    done = len(trials) - len(waiting)
    with progress(total=len(trials), what="ablate", done=done) as advance:
        for lane, beside in lanes:
            for trial, why in _finished(lane, manifest, beside, gpu):
                failed += [] if why is None else [Failed(trial, why)]
                advance(1, note=trial.name)
    return failed


def _finished(
    trials: Sequence[Trial], manifest: Manifest, at_once: int, gpu: bool
) -> Iterator[tuple[Trial, str | None]]:
    """Yield each run as it ends, and what was wrong with it if it failed."""
    there = ray.put(manifest)
    work = ray.remote(
        num_cpus=CPUS_PER_RUN,
        num_gpus=int(gpu),
        max_retries=RESTARTS,
        max_calls=RUNS_A_PROCESS,
    )(_run)
    waiting = list(trials)
    running: dict[ray.ObjectRef, Trial] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            trial = waiting.pop(0)
            running[work.remote(trial, there)] = trial
        (ref,), _ = ray.wait(list(running), num_returns=1)
        trial = running.pop(ref)
        try:
            yield trial, ray.get(ref)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", error)
            yield trial, f"{type(cause).__name__}: {cause}"


def _run(trial: Trial, manifest: Manifest) -> str | None:
    """Return what a user must mend, or None."""
    try:
        trial.run(manifest)
    except SamesenseError as error:
        return str(error)
    return None
