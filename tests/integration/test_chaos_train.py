"""SIGKILL for the workers or for the whole command, at random steps: nothing is learned twice.

The short form kills a few times; SAMESENSE_CHAOS=full kills often.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml
from safetensors.torch import load_file

from samesense.core.errors import StoppedError
from samesense.recipe.options import Recipe
from samesense.training.options import CheckpointOptions, TrainJob, WorkersOptions
from tests.integration.training_runs import small_job, train_small

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(1800)]
FULL = os.environ.get("SAMESENSE_CHAOS") == "full"
KILLS, STEPS = (12, 120) if FULL else (2, 40)
WORKERS = WorkersOptions(count=2, cpus_per_worker=0.5)
OFTEN = CheckpointOptions(every_steps=3, restarts=5)


def chaos_job(out: Path, corpus: Path, recipe: Recipe, *, vectors_of: Path) -> TrainJob:
    """All runs read the same tower vectors, whose last bits depend on how they were batched."""
    job = small_job(out, corpus, recipe, steps=STEPS, workers=WORKERS, checkpoints=OFTEN)
    return job.model_copy(update={"cache": str(vectors_of.parent / "cache")})


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, small_corpus: Path, small_recipe: Recipe
) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    train_small(chaos_job(out, small_corpus, small_recipe, vectors_of=out))
    return out


def steps_done(run: Path) -> int:
    try:
        lines = (run / "metrics.jsonl").read_text().splitlines()
        return int(json.loads(lines[-1])["step"]) + 1
    except (FileNotFoundError, IndexError, json.JSONDecodeError):
        return 0


def assert_equal(run: Path, undisturbed: Path) -> None:
    expected, found = (
        load_file(folder / "model" / "weights.safetensors") for folder in (undisturbed, run)
    )
    assert expected.keys() == found.keys()
    apart = {name: float((found[name] - w).abs().max()) for name, w in expected.items()}
    assert max(apart.values()) <= 1e-5, apart
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(STEPS))


def resuming(job: TrainJob, *, config: Path) -> list[str]:
    config.write_text(yaml.safe_dump(job.model_dump(mode="json")))
    return [sys.executable, "-m", "samesense.cli.main", "train", "-c", str(config), "--resume"]


def complete(command: list[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in process.children(recursive=True):
        try:
            if "RayTrainWorker" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


@contextmanager
def killer(run: Path, steps: list[int]) -> Iterator[list[int]]:
    """Kill one worker of this process's Ray whenever the run has come to the next of the steps."""
    killed: list[int] = []
    over = threading.Event()

    def work() -> None:
        rng = random.Random(0)
        for step in steps:
            while steps_done(run) < step or not (workers := workers_of(psutil.Process())):
                if over.wait(0.005):
                    return
            rng.choice(workers).send_signal(signal.SIGKILL)
            killed.append(steps_done(run))
            gone = time.monotonic() + 60
            while len(workers_of(psutil.Process())) > 1 and time.monotonic() < gone:
                over.wait(0.05)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_chaos_train_workers_killed_at_random_steps_change_nothing(
    tmp_path: Path, small_corpus: Path, small_recipe: Recipe, undisturbed: Path
) -> None:
    run = tmp_path / "run"
    steps = sorted(random.Random(5).sample(range(1, STEPS - 5), KILLS))
    with killer(run, steps) as killed:
        train_small(chaos_job(run, small_corpus, small_recipe, vectors_of=undisturbed))
    assert len(killed) == KILLS
    assert_equal(run, undisturbed)


def test_chaos_train_command_killed_and_resumed_changes_nothing(
    tmp_path: Path, small_corpus: Path, small_recipe: Recipe, undisturbed: Path
) -> None:
    run = tmp_path / "run"
    command = resuming(
        chaos_job(run, small_corpus, small_recipe, vectors_of=undisturbed),
        config=tmp_path / "job.yaml",
    )
    rng = random.Random(6)
    for step in sorted(rng.sample(range(1, STEPS - 5), KILLS // 2)):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        while steps_done(run) < step and process.poll() is None:
            time.sleep(0.005)
        assert process.poll() is None, process.communicate()[1].decode()[-3000:]
        process.kill()
        process.wait()
    complete(command)
    assert_equal(run, undisturbed)


def test_chaos_train_a_signal_stops_after_the_step_and_resume_changes_nothing(
    tmp_path: Path, small_corpus: Path, small_recipe: Recipe, undisturbed: Path
) -> None:
    run = tmp_path / "run"
    job = chaos_job(run, small_corpus, small_recipe, vectors_of=undisturbed)

    def interrupt() -> None:
        while steps_done(run) < 2:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(StoppedError) as told:
        train_small(job)
    done = steps_done(run)
    assert f"stopped after step {done} of {STEPS} of stage 'align'" in str(told.value)
    assert told.value.exit_code == 130
    newest = max((run / "checkpoints" / "align").iterdir())
    assert newest.name == f"step-{done:08d}"
    train_small(job, start="resume")
    assert_equal(run, undisturbed)
