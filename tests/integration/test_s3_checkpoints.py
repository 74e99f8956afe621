"""Checkpoints on S3: a run goes on from there, waits for short failures and survives long ones."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml
from safetensors.torch import load_file

from samesense.core.errors import TrainingError
from samesense.recipe.options import Recipe
from samesense.training.checkpoints import Checkpoints
from samesense.training.options import CheckpointOptions, TrainJob
from tests.fixtures.s3_server import BUCKET, S3Server
from tests.integration.training_runs import small_job, train_small

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]
STEPS = 9


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, small_corpus: Path, small_recipe: Recipe
) -> TrainJob:
    """A run beside whose folder lie the tower vectors that all runs read."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    job = small_job(out, small_corpus, small_recipe, steps=STEPS)
    train_small(job)
    return job


def start(job: TrainJob, run: Path, *, storage: str) -> subprocess.Popen[str]:
    """Start or go on with the job of the undisturbed run, with checkpoints on S3."""
    checkpoints = CheckpointOptions(storage=storage, every_steps=1)
    job = job.model_copy(update={"out": str(run), "checkpoints": checkpoints})
    config = run.with_name("job.yaml")
    config.write_text(yaml.safe_dump(job.model_dump(mode="json")))
    command = [sys.executable, "-m", "samesense.cli.main", "train", "-c", str(config), "--resume"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, told = process.communicate(timeout=400)
    return process.returncode, told


def kill_with_all_its_processes(process: subprocess.Popen[str]) -> None:
    """Kill a command and its Ray, as when a machine dies."""
    family = psutil.Process(process.pid)
    for one in [*family.children(recursive=True), family]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()


def assert_goes_on_to_the_same_weights(
    job: TrainJob, run: Path, *, storage: str, s3: S3Server, after: int
) -> None:
    s3.asked.clear()
    code, told = end(start(job, run, storage=storage))
    assert code == 0, told[-3000:]
    read = {path.split("/")[-2] for path in s3.asked if path.startswith("GET") and "state" in path}
    assert f"step-{after:08d}" in read
    assert not any(f"step-{done:08d}/state" in path for done in range(after) for path in s3.asked)
    assert not (run / "checkpoints").exists()
    expected, found = (
        load_file(folder / "model" / "weights.safetensors") for folder in (Path(job.out), run)
    )
    assert expected.keys() == found.keys()
    apart = {name: float((found[name] - w).abs().max()) for name, w in expected.items()}
    assert max(apart.values()) <= 1e-5, apart


def test_a_command_that_waited_for_s3_and_was_killed_goes_on_from_there(
    tmp_path: Path, undisturbed: TrainJob, s3: S3Server
) -> None:
    run, storage = tmp_path / "run", f"s3://{BUCKET}/killed"
    s3.fail(at="step-00000002", requests=8)
    process = start(undisturbed, run, storage=storage)
    assert s3.failing.wait(200), process.poll()
    s3.fail(at="step-00000005")
    assert s3.failing.wait(100), end(process)[1][-3000:]
    kill_with_all_its_processes(process)
    s3.mend()
    assert_goes_on_to_the_same_weights(undisturbed, run, storage=storage, s3=s3, after=4)


def test_s3_that_fails_for_long_ends_the_run_which_goes_on_when_it_is_back(
    tmp_path: Path, undisturbed: TrainJob, s3: S3Server
) -> None:
    run, storage = tmp_path / "run", f"s3://{BUCKET}/lasting"
    s3.fail(at="step-00000006")
    code, told = end(start(undisturbed, run, storage=storage))
    assert code == 2, told[-3000:]
    assert f"{storage}/align: the checkpoint of step 6 cannot be written: " in told
    assert "the last one is unharmed: mend the storage and go on with --resume" in told
    assert "Traceback" not in told
    with pytest.raises(TrainingError, match=r"cannot be read: .*mend the storage .* --resume"):
        Checkpoints(f"{storage}/align", keep_last=2).newest()
    s3.mend()
    assert_goes_on_to_the_same_weights(undisturbed, run, storage=storage, s3=s3, after=5)
