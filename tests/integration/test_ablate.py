"""An ablation on real Ray tasks: stopped, killed, refused, and equal to single runs."""

import os
import signal
import threading
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file

from samesense.artefact.folder import load_artefact
from samesense.core.errors import ConfigError
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.evaluation.options import EvaluateJob
from samesense.experiments.ablation import check_trials, plan_trials, run_ablation
from samesense.experiments.evaluation import split_as_trained
from samesense.experiments.options import AblateJob, AblationCorpusOptions, Changes
from samesense.experiments.training import train_on
from samesense.experiments.trial import OUTCOME, Trial
from samesense.recipe.options import Recipe

pytestmark = [pytest.mark.integration, pytest.mark.long]
HELD_OUT, STEPS = "domain2", 30
VARIANTS: dict[str, Changes] = {
    "usual": {},
    "linear": {"blocks.align": {"kind": "linear"}},
    "whitened": {
        "blocks.align": {"kind": "domain_whiten"},
        "stages": [{"kind": "fit", "name": "fit", "block": "align"}],
    },
}


def ablation(out: Path, corpus: Path, recipe: Recipe, variants: dict[str, Changes]) -> AblateJob:
    stage = recipe.stages[0].model_copy(update={"steps": STEPS, "validate_every_steps": 10})
    return AblateJob(
        corpus=AblationCorpusOptions(uri=str(corpus), held_out=HELD_OUT),
        recipe=recipe.model_copy(update={"stages": (stage,)}),
        variants=variants,
        reference=next(iter(variants)),
        seeds=(0, 1),
        out=str(out),
        cache=str(out.parent / "cache"),
    )


def checked(job: AblateJob) -> tuple[list[Trial], Manifest]:
    manifest = scan(job.corpus.uri).manifest
    return check_trials(plan_trials(job, manifest=manifest), manifest=manifest), manifest


def outcomes_written(trials: list[Trial]) -> dict[str, int]:
    """When each run's outcome was written, in nanoseconds."""
    return {t.name: (Path(t.job.out) / OUTCOME).stat().st_mtime_ns for t in trials}


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, small_corpus: Path, small_recipe: Recipe
) -> AblateJob:
    out = tmp_path_factory.mktemp("ablation") / "out"
    job = ablation(out, small_corpus, small_recipe, VARIANTS)
    trials, manifest = checked(job)
    assert run_ablation(job, trials, manifest=manifest) == []
    return job


def test_every_variant_is_measured_with_every_seed_beside_its_baseline(finished: AblateJob) -> None:
    trials, _ = checked(finished)
    assert [t.variant for t in trials] == [*VARIANTS] * 2
    for trial in trials:
        outcome = trial.outcome()
        assert outcome is not None
        assert {row.model for row in outcome.rows} == {"identity", trial.variant}
        assert {row.seed for row in outcome.rows} == {trial.job.seed}
        assert {row.held_out for row in outcome.rows} == {HELD_OUT}
        assert {"mAP@200", "domain probe"} <= {row.metric for row in outcome.rows}
        assert outcome.trained_parameters > 0


def test_its_models_are_evaluated_on_the_images_that_they_never_saw(finished: AblateJob) -> None:
    trials, manifest = checked(finished)
    for trial in trials[:2]:
        job = EvaluateJob(models=(trial.job.out,), corpus=finished.corpus.uri)
        split = split_as_trained(load_artefact(Path(trial.job.out)), manifest, job=job)
        assert split.hash == trial.split(manifest).hash


def test_the_same_command_again_runs_nothing(finished: AblateJob) -> None:
    trials, manifest = checked(finished)
    before = outcomes_written(trials)
    assert run_ablation(finished, trials, manifest=manifest) == []
    assert outcomes_written(trials) == before


def test_a_run_equals_that_of_ray_train(finished: AblateJob, tmp_path: Path) -> None:
    trials, manifest = checked(finished)
    trial = trials[0]
    alone = trial.job.model_copy(update={"out": str(tmp_path / "alone")})
    trained = train_on(alone, trial.split(manifest))
    expected = load_file(trained.artefact.folder / "weights.safetensors")
    found = load_file(Path(trial.job.out) / "model" / "weights.safetensors")
    assert {n: float((found[n] - w).abs().max()) for n, w in expected.items()} == dict.fromkeys(
        expected, 0.0
    )


def test_another_variant_in_the_place_of_one_is_refused(finished: AblateJob) -> None:
    changed = VARIANTS | {"linear": {"blocks.align": {"kind": "mlp"}}}
    job = finished.model_copy(update={"variants": changed})
    with pytest.raises(ConfigError, match=r"(?s)the run there is another one.*blocks\.align\.kind"):
        checked(job)
    manifest = scan(job.corpus.uri).manifest
    fresh = check_trials(plan_trials(job, manifest=manifest), manifest=manifest, start="fresh")
    assert fresh[1].outcome() is not None  # checking removes nothing


def test_chaos_train_a_killed_task_goes_on_and_a_failed_run_is_told(
    tmp_path: Path, small_corpus: Path, small_recipe: Recipe
) -> None:
    variants: dict[str, Changes] = {
        "usual": {},
        "burst": {"stages.0.optimiser.learning_rate": 1e38},
    }
    job = ablation(tmp_path / "out", small_corpus, small_recipe, variants)
    job = job.model_copy(update={"seeds": (0,), "runs_at_once": 1})
    trials, manifest = checked(job)
    killed: list[int] = []

    def kill_once() -> None:
        metrics = Path(trials[0].job.out) / "metrics.jsonl"
        while not over.wait(0.002):
            if metrics.is_file() and metrics.read_text().count("\n") >= 3:
                for child in psutil.Process(os.getpid()).children(recursive=True):
                    if "ray::_run" in " ".join(child.cmdline()):
                        child.send_signal(signal.SIGKILL)
                        killed.append(child.pid)
                return

    over = threading.Event()
    thread = threading.Thread(target=kill_once, daemon=True)
    thread.start()
    failed = run_ablation(job, trials, manifest=manifest)
    over.set()
    thread.join()
    assert len(killed) == 1
    assert trials[0].outcome() is not None
    assert [run.trial.variant for run in failed] == ["burst"]
    assert "finite" in failed[0].why
    assert trials[1].outcome() is None
