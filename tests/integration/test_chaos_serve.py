"""Replicas and Milvus killed, models changed under load: every request is answered, by one model.

In full form (SAMESENSE_CHAOS=full) 5,000 requests, otherwise 400.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from ray import serve

from samesense.core.options import validate
from samesense.serving.app import build_app
from samesense.serving.options import LimitOptions, ReplicaOptions, ServeOptions
from tests.integration.milvus_server import MilvusServer
from tests.integration.serving import INDEX, Indexed, fill, fronted, serving, write_indexes

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(3600)]
FULL = os.environ.get("SAMESENSE_CHAOS") == "full"
REQUESTS = 5000 if FULL else 400
LONGEST = 10 * REQUESTS
CLIENTS = 6
PARTS_OF_COMMAND = (":embedder-default", ":renderer", ":searcher")
PARTS_OF_APP = ("chaos:front", "chaos:embedder", "chaos:renderer", "chaos:searcher")
TEXTS = [f"picture number {number}" for number in range(8)]
BETWEEN_S = (4.0, 12.0)
RESTARTS = 5 if FULL else 2
KILLS = 3


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, milvus: MilvusServer) -> Indexed:
    made = write_indexes(tmp_path_factory.mktemp("served"), milvus=milvus.uri)
    # The index holds both models, so that it can be asked before and after a change.
    fill(made.milvus, INDEX, made.other, made.manifest)
    return made


def options(indexed: Indexed, *, folder: Path) -> ServeOptions:
    model = {"folder": str(folder), "replicas": {"least": 2, "most": 2}}
    return validate(
        {
            "milvus": indexed.milvus,
            "models": {"default": model},
            "rendering": {"least": 2, "most": 2},
            "front": {"least": 2, "most": 2},
            "patience_s": 240,
        },
        kind=ServeOptions,
    )


@pytest.fixture(scope="module")
def address(indexed: Indexed, ray_cluster: None) -> Iterator[str]:
    with fronted(options(indexed, folder=indexed.model.folder), name="chaos") as address:
        yield address


def replicas(part: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            title = " ".join(process.cmdline())
            if "ServeReplica:" in title and part in title:
                found.append(process)
    return found


class Load:
    """Clients that ask without a pause until enough has happened, and what they were told."""

    def __init__(self, address: str, indexed: Indexed) -> None:
        self.address = address
        self.enough: Callable[[], bool] = lambda: True
        self.expected = {
            artefact.record.fingerprint: artefact.encoder().embed_texts(TEXTS)
            for artefact in (indexed.model, indexed.other)
        }
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._numbers = count()

    def run(self) -> None:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda _: self._client(), range(CLIENTS)))

    def _client(self) -> None:
        with httpx.Client(base_url=self.address, timeout=300) as client:
            while not self._is_enough(number := next(self._numbers)):
                try:
                    self._ask(client, number)
                except (httpx.HTTPError, AssertionError, KeyError) as error:
                    self.wrong.append(repr(error)[:500])

    def _is_enough(self, number: int) -> bool:
        return number >= REQUESTS and (self.enough() or number >= LONGEST)

    def _ask(self, client: httpx.Client, number: int) -> None:
        place = number % len(TEXTS)
        if number % 2:
            body: dict[str, Any] = {
                "query": {"text": TEXTS[place]},
                "index": INDEX,
                "model": "default",
            }
            answer = client.post("/v1/search", json=body)
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["hits"]) == 10
        else:
            answer = client.post("/v1/embeddings", json={"input": TEXTS[place]})
            assert answer.status_code == 200, answer.text
            found = np.array(answer.json()["data"][0]["embedding"], dtype=np.float32)
            expected = self.expected[answer.json()["fingerprint"]][place]
            np.testing.assert_allclose(found, expected, atol=1e-4)
        self.answers[answer.json()["fingerprint"]] += 1


def kill_under(load: Load, *, parts: Sequence[str]) -> None:
    """Kill replicas while clients ask; no request may fail."""
    rng, killed = random.Random(3), 0
    load.enough = lambda: killed >= KILLS
    asking = threading.Thread(target=load.run)
    asking.start()
    while asking.is_alive():
        time.sleep(rng.uniform(*BETWEEN_S))
        if alive := replicas(rng.choice(parts)):
            with suppress(psutil.NoSuchProcess):
                rng.choice(alive).kill()
                killed += 1
    asking.join()
    print(f"{load.answers.total()} answers, {killed} replicas killed")
    assert load.wrong == []
    assert load.answers.total() >= REQUESTS
    assert killed >= KILLS


def test_chaos_serve_killed_replicas_of_the_command_fail_no_request(
    indexed: Indexed, tmp_path: Path
) -> None:
    pair = {"least": 2, "most": 2}
    models = {"default": {"folder": str(indexed.model.folder), "replicas": pair}}
    words = ["--milvus", indexed.milvus, "--set", f"models={json.dumps(models)}"]
    words += ["--set", f"rendering={json.dumps(pair)}", "--set", "patience_s=240"]
    with serving(*words, output=tmp_path / "output.txt") as address:
        kill_under(Load(address, indexed), parts=PARTS_OF_COMMAND)


def test_chaos_serve_killed_replicas_fail_no_request(address: str, indexed: Indexed) -> None:
    kill_under(Load(address, indexed), parts=PARTS_OF_APP)


def test_chaos_serve_a_change_of_model_fails_no_request(address: str, indexed: Indexed) -> None:
    load, changes = Load(address, indexed), 0
    load.enough = lambda: len(load.answers) == 2
    asking = threading.Thread(target=load.run)
    asking.start()
    while asking.is_alive():
        artefact = indexed.model if changes % 2 else indexed.other
        serve.run(build_app(options(indexed, folder=artefact.folder)), name="chaos")
        changes += 1
        time.sleep(2)
    asking.join()
    print(f"{dict(load.answers)}, {changes} changes")
    assert load.wrong == []
    assert load.answers.total() >= REQUESTS
    assert len(load.answers) == 2


def test_chaos_serve_a_milvus_that_restarts_fails_no_request(
    address: str, indexed: Indexed, milvus: MilvusServer
) -> None:
    load, restarts = Load(address, indexed), 0
    asking = threading.Thread(target=load.run)
    asking.start()
    while asking.is_alive() and restarts < RESTARTS:
        time.sleep(random.Random(restarts).uniform(*BETWEEN_S))
        milvus.kill()
        milvus.start_again()
        restarts += 1
    asking.join()
    print(f"{load.answers.total()} answers, {restarts} restarts of Milvus")
    assert load.wrong == []
    assert load.answers.total() == REQUESTS
    assert restarts >= 1


def test_a_flood_is_refused_in_part_and_the_rest_is_answered(
    address: str, indexed: Indexed
) -> None:
    small = options(indexed, folder=indexed.model.folder).model_copy(
        update={"limits": LimitOptions(waiting=2), "front": ReplicaOptions()}
    )
    serve.run(build_app(small), name="chaos")

    def ask(_: int) -> httpx.Response:
        return httpx.post(f"{address}/v1/embeddings", json={"input": TEXTS}, timeout=120)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, range(96)))
    told = Counter(answer.status_code for answer in answers)
    assert set(told) == {200, 429}, told
    for answer in answers:
        if answer.status_code == 429:
            assert answer.json()["error"]["code"] == "busy"
            assert int(answer.headers["retry-after"]) >= 1
    assert ask(0).status_code == 200
