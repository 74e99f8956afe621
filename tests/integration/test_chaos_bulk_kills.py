"""One embedding job from a faulty S3 store into a Milvus server, while all around it is killed.

Driver, workers and Milvus server get SIGKILL, spread over the whole job. In full form
(SAMESENSE_CHAOS=full) there are 30 kills, otherwise 6.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import psutil
import pytest

from samesense.bulk.ledger import Ledger
from samesense.index.store import open_store
from tests.fixtures.corpora import write_patterns
from tests.fixtures.s3_server import BUCKET, S3Server, serving, upload
from tests.fixtures.trained_models import write_model
from tests.integration.embedding_jobs import assert_same_rows, rows_of
from tests.integration.milvus_server import MilvusServer

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(3600)]
FULL = os.environ.get("SAMESENSE_CHAOS") == "full"
KILLS = 30 if FULL else 6
SIZES = {"domains": 3, "concepts": 4, "each": 240 if FULL else 80}
BAD = 5
ROWS_PER_BLOCK = 16
VICTIMS = ("worker", "driver", "worker", "milvus", "worker")
LONGEST_JOB_S = 3000.0


@pytest.fixture(scope="module")
def faulty() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()


class Job:
    """The command, started again whenever it is gone."""

    def __init__(self, place: Path, model: Path, milvus: str, environment: dict[str, str]) -> None:
        place.mkdir(parents=True)
        self.place, self.environment = place, environment
        options = {
            "model": model,
            "corpus": f"s3://{BUCKET}/photos",
            "index": place.name,
            "milvus": milvus,
            "cache": place / "cache",
            "out": place / "out",
        }
        self.words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.words += ["--set", f"encode.rows_per_block={ROWS_PER_BLOCK}"]
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with (self.place / "stderr.txt").open("a") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "samesense.cli.main", "embed", *self.words],
                stdout=subprocess.DEVNULL,
                stderr=told,
                text=True,
                env=os.environ | self.environment,
            )

    def finished_blocks(self) -> int:
        return len(Ledger(self.place / "out/ledger").finished())

    def workers(self) -> list[psutil.Process]:
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            return [one for one in family if "MapBatches(" in _title(one)]
        return []

    def told(self) -> str:
        return (self.place / "stderr.txt").read_text()[-3000:]


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def run_through(job: Job, milvus: MilvusServer, *, kills: int, blocks: int) -> Counter[str]:
    """Run a job to its end, and kill something whenever another share of it is done.

    Between two kills at least one block is finished: a job that meets no server when it starts is
    to fail at once.
    """
    rng, killed = random.Random(7), Counter[str]()
    victims = cycle(VICTIMS)
    victim = next(victims)
    deadline = time.monotonic() + LONGEST_JOB_S
    next_at = blocks // (kills + 2)
    job.start()
    assert job.process is not None
    while job.process.poll() is None:
        assert time.monotonic() < deadline, job.told()
        if killed.total() < kills and job.finished_blocks() >= next_at:
            time.sleep(rng.random() / 2)
            if victim == "worker":
                if not (workers := job.workers()):
                    continue
                with suppress(psutil.NoSuchProcess):
                    rng.choice(workers).kill()
            elif victim == "driver":
                job.process.kill()
                job.process.wait()
                job.start()
            else:
                milvus.kill()
                milvus.start_again()
            killed[victim] += 1
            victim = next(victims)
            next_at = max(job.finished_blocks() + 1, (killed.total() + 1) * blocks // (kills + 2))
        time.sleep(0.05)
    assert job.process.returncode == 0, job.told()
    return killed


def test_a_job_survives_every_kill_and_ends_as_if_there_had_been_none(
    tmp_path: Path, faulty: S3Server, milvus: MilvusServer
) -> None:
    model = write_model(tmp_path / "run" / "model", backbone=tmp_path / "backbone", seed=0).folder
    photos = write_patterns(tmp_path / "photos", **SIZES)
    for number in range(BAD):
        (photos / f"domain0/concept0/bad{number}.png").write_bytes(b"no image" * number)
    upload(faulty, photos, prefix="photos")
    images = SIZES["domains"] * SIZES["concepts"] * SIZES["each"]
    blocks = -(-(images + BAD) // ROWS_PER_BLOCK)
    calm = Job(tmp_path / "calm", model, milvus.uri, faulty.environment)
    assert run_through(calm, milvus, kills=0, blocks=blocks) == Counter()
    faulty.disturb(share=0.1, seed=3)
    wild = Job(tmp_path / "wild", model, milvus.uri, faulty.environment)
    killed = run_through(wild, milvus, kills=KILLS, blocks=blocks)
    print(f"killed {dict(killed)}, spoiled {dict(faulty.spoiled)}")
    assert killed.total() == KILLS
    assert len(faulty.spoiled) == 4
    with open_store(milvus.uri) as index:
        expected, found = rows_of(index, "calm"), rows_of(index, "wild")
        counts = [sum(one.count for one in index.served(name)) for name in ("calm", "wild")]
    assert len(expected) == images
    assert counts == [images, images]
    assert_same_rows(found, expected)
    summary = json.loads((tmp_path / "wild/out/summary.json").read_text())
    assert sum(summary["fates"].values()) == summary["listed"] == images + BAD
    assert summary["fates"]["rejected"] == BAD
