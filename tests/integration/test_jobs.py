"""Jobs submitted to a real head node, as from a laptop to a cluster."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml

from tests.conftest import ROOT
from tests.fixtures.corpora import write_patterns
from tests.fixtures.ray_head import Head, ray_head
from tests.fixtures.tiny_models import MLLMS

pytestmark = [pytest.mark.integration, pytest.mark.long]
TIMEOUT_S = 200
MARK = "SAMESENSE_TEST_JOB"
FEW, LONG = 6, 4_000


@dataclass(frozen=True)
class Place:
    """A head node, with a corpus `photos` and a model `backbone` where its jobs find them."""

    head: Head
    folder: Path

    def training(self, *, job: str, out: Path | str, steps: int) -> list[str | Path]:
        """Return the words of `ray job` that submit a tiny training job under a name."""
        values = {
            "corpus.uri": self.folder / "photos",
            "corpus.held_out": "domain2",
            "recipe.blocks.backbone.model": self.folder / "backbone",
            "recipe.stages.0.sampler.concepts_per_step": 4,
            "recipe.stages.0.sampler.images_per_concept_and_domain": 2,
            "recipe.stages.0.steps": steps,
            "recipe.stages.0.validate_every_steps": steps,
            "cache": self.folder / "cache",
            "out": out,
        }
        return [
            *("submit", "--working-dir", ".", "--submission-id", job),
            *("--runtime-env", self._runtime_env(job)),
            *("--", "python", "jobs/train.py", "--config", "jobs/configs/alignment.yaml"),
            *(word for name, value in values.items() for word in ("--set", f"{name}={value}")),
        ]

    def _runtime_env(self, job: str) -> Path:
        """The project's own, with a mark on the job's processes and the address of this cluster.

        Ray's helpers look for the cluster of the machine, and here there may be several.
        """
        env = yaml.safe_load((ROOT / "jobs" / "runtime_env.yaml").read_text())
        env["env_vars"] |= {MARK: job, "RAY_ADDRESS": self.head.inner_address}
        path = self.folder / f"{job}.yaml"
        path.write_text(yaml.safe_dump(env))
        return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("head")
    write_patterns(folder / "photos", concepts=4, domains=3, each=8)
    MLLMS["idefics3"](folder / "backbone")
    with ray_head(folder) as head:
        yield Place(head, folder)


def new_name() -> str:
    return f"job-{uuid.uuid4().hex[:8]}"


def processes_of(job: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == job:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_until(true: Callable[[], bool], *, timeout_s: float) -> bool:
    until = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture(scope="module")
def trained(place: Place) -> str:
    """The name of a job that ended well; its vectors are in the cache for the jobs after it."""
    job = new_name()
    place.head.job(*place.training(job=job, out=place.folder / "run", steps=FEW))
    return job


def test_a_submitted_job_trains_and_its_log_says_so(place: Place, trained: str) -> None:
    log = place.head.job("logs", trained)
    assert f"train align: {FEW}/{FEW}" in log
    assert f"model    {place.folder / 'run' / 'model'}" in log
    assert (place.folder / "run" / "model").is_dir()
    assert lines(place.folder / "run" / "metrics.jsonl") == FEW


def test_a_job_that_would_lose_its_outcome_fails_with_a_word_on_it(place: Place) -> None:
    refused = place.training(job=new_name(), out="runs/lost", steps=FEW)
    log = place.head.job(*refused, code=1)
    assert "samesense: --set out=runs/lost: out: 'runs/lost' is relative" in log
    assert "failed with exit code 2" in log


@pytest.mark.usefixtures("trained")
def test_a_stopped_job_leaves_a_checkpoint_of_its_last_step_and_no_process(place: Place) -> None:
    job, out = new_name(), place.folder / "stopped"
    words = place.training(job=job, out=out, steps=LONG)
    place.head.job(words[0], "--no-wait", *words[1:])
    assert wait_until(lambda: lines(out / "metrics.jsonl") > 3, timeout_s=TIMEOUT_S)
    assert len(processes_of(job)) > 2
    place.head.job("stop", job)
    status, told = place.head.ask(f"/api/jobs/{job}", token=place.head.token)
    assert (status, told["status"]) == (200, "STOPPED")
    assert wait_until(lambda: not processes_of(job), timeout_s=20), processes_of(job)
    newest = max((out / "checkpoints" / "align").iterdir())
    assert newest.name == f"step-{lines(out / 'metrics.jsonl'):08d}"
    assert "goes on" in place.head.job("logs", job)


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("0" * 64, 403)])
def test_who_has_no_token_is_refused(place: Place, token: str | None, status: int) -> None:
    assert place.head.ask("/api/jobs/", token=place.head.token)[0] == 200
    assert place.head.ask("/api/jobs/", token=token)[0] == status
