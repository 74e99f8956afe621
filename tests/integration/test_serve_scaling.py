"""A model that nobody asks costs no process, and is started for whoever asks."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.integration.serving import Indexed, serving

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(600)]
MODEL = "sleepy"
PATIENCE_S = 120.0
SETTLED_S = 3.0


def holders() -> list[psutil.Process]:
    """Return the processes that hold the model."""
    titles = (
        (process, " ".join(process.info["cmdline"] or ()))
        for process in psutil.process_iter(["cmdline"])
    )
    return [process for process, title in titles if title.startswith("ray::") and MODEL in title]


def wait_until(holds: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def test_a_model_of_no_process_is_started_by_a_request_and_by_nothing_else(
    indexed: Indexed, tmp_path: Path
) -> None:
    replicas = '{"least": 0, "most": 1, "idle_s": 1}'
    model = f'{{"folder": "{indexed.model.folder}", "replicas": {replicas}}}'
    other = f'{{"folder": "{indexed.other.folder}"}}'
    models = f'{{"other": {other}, "{MODEL}": {model}}}'
    words = ["--milvus", indexed.milvus, "--set", f"models={models}"]
    with serving(*words, output=tmp_path / "output.txt") as address:
        client = httpx.Client(base_url=address, timeout=PATIENCE_S)
        wait_until(lambda: not holders(), what="the model is held since it was tried at the start")
        for path in ("/v1/indexes", "/v1/health/ready", "/", "/metrics"):
            assert client.get(path).status_code == 200, path
        time.sleep(SETTLED_S)
        assert not holders()
        asked = {"model": MODEL, "input": ["a dog"]}
        for _ in range(2):
            answer = client.post("/v1/embeddings", json=asked)
            assert answer.status_code == 200, answer.text
            assert len(holders()) == 1
            wait_until(lambda: not holders(), what="a model that nobody asks is still held")
