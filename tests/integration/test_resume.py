"""A run that was cut off goes on with the batch that was next, on whatever workers there are."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from samesense.core.errors import ConfigError
from samesense.recipe.options import Recipe
from samesense.training.options import CheckpointOptions, DeepSpeedOptions, WorkersOptions
from tests.integration.training_runs import small_job, train_small

pytestmark = [pytest.mark.integration, pytest.mark.long]
STEPS, CUT = 9, 4
EVERY_STEP = CheckpointOptions(every_steps=1, keep_last=STEPS)


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, small_corpus: Path, small_recipe: Recipe
) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    workers = WorkersOptions(count=2, cpus_per_worker=0.4)
    job = small_job(
        out, small_corpus, small_recipe, steps=STEPS, workers=workers, checkpoints=EVERY_STEP
    )
    train_small(job)
    return out


def cut_off(run: Path, copy: Path, *, after: int) -> Path:
    """Copy a finished run as it was after some steps, with a half-written checkpoint on top."""
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "model")
    steps = sorted((copy / "checkpoints" / "align").iterdir())
    for folder in steps[after:]:
        shutil.rmtree(folder)
    broken = shutil.copytree(steps[after - 1], steps[after])
    state = broken / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-7])
    record = broken / "checkpoint.json"
    record.write_text(record.read_text().replace(f'"step":{after}', f'"step":{after + 1}'))
    return copy


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model" / "weights.safetensors")


@pytest.mark.parametrize(("workers", "zero_stage"), [(1, 3), (3, 1)], ids=["1 worker", "3 workers"])
def test_another_number_of_workers_goes_on_to_the_same_weights(
    tmp_path: Path,
    small_corpus: Path,
    small_recipe: Recipe,
    undisturbed: Path,
    workers: int,
    zero_stage: int,
) -> None:
    run = cut_off(undisturbed, tmp_path / "run", after=CUT)
    job = small_job(
        run,
        small_corpus,
        small_recipe,
        steps=STEPS,
        workers=WorkersOptions(count=workers, cpus_per_worker=0.4),
        deepspeed=DeepSpeedOptions(zero_stage=zero_stage),
        checkpoints=EVERY_STEP,
    )
    train_small(job, start="resume")
    expected, found = weights(undisturbed), weights(run)
    assert expected.keys() == found.keys()
    assert all(torch.allclose(found[name], w, rtol=0, atol=1e-5) for name, w in expected.items())


def test_another_configuration_is_refused_with_the_difference(
    tmp_path: Path, small_corpus: Path, small_recipe: Recipe, undisturbed: Path
) -> None:
    run = cut_off(undisturbed, tmp_path / "run", after=CUT)
    job = small_job(run, small_corpus, small_recipe, steps=STEPS + 1, checkpoints=EVERY_STEP)
    with pytest.raises(ConfigError, match=r"recipe\.stages\.0\.steps: 9 there, 10 now"):
        train_small(job, start="resume")
    with pytest.raises(ConfigError, match="holds a run already; --resume"):
        train_small(job)


def test_a_finished_run_is_not_trained_again(
    small_corpus: Path, small_recipe: Recipe, undisturbed: Path
) -> None:
    before = (undisturbed / "model" / "weights.safetensors").stat().st_mtime_ns
    job = small_job(undisturbed, small_corpus, small_recipe, steps=STEPS, checkpoints=EVERY_STEP)
    train_small(job, start="resume")
    assert (undisturbed / "model" / "weights.safetensors").stat().st_mtime_ns == before
