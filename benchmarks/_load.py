"""Clients of a service that keep it busy."""

import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import aiohttp

UNCOUNTED = 128
"""Requests that warm a service up."""
PER_TURN = 256


@dataclass(frozen=True)
class Answer:
    """When a request was answered, and how long that took, in seconds."""

    at: float
    seconds: float


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG as clients put it into JSON."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


async def load(
    url: str, bodies: Sequence[dict[str, Any]], *, clients: int, rate: float | None = None
) -> list[Answer]:
    """Send every body, by so many clients at once or at a rate; return the answers as they came."""
    waiting = list(bodies)
    answers: list[Answer] = []
    async with aiohttp.ClientSession() as session:

        async def ask(body: dict[str, Any]) -> None:
            started = time.perf_counter()
            async with session.post(url, json=body) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            now = time.perf_counter()
            answers.append(Answer(now, now - started))

        async def client() -> None:
            while waiting:
                await ask(waiting.pop())

        if rate is None:
            await asyncio.gather(*(client() for _ in range(clients)))
        else:
            tasks, started = [], time.perf_counter()
            for number, body in enumerate(waiting):
                await asyncio.sleep(started + number / rate - time.perf_counter())
                tasks.append(asyncio.create_task(ask(body)))
            await asyncio.gather(*tasks)
    return answers


def warm_up(url: str, bodies: Sequence[dict[str, Any]], *, clients: int) -> None:
    """Send some requests that do not count."""
    asyncio.run(load(url, bodies[:UNCOUNTED], clients=clients))


def throughput(url: str, bodies: Sequence[dict[str, Any]], *, clients: int) -> float:
    """Return requests a second while all clients were waiting for one.

    Raises:
        ValueError: if there are too few for any such while.
    """
    if len(bodies) < 6 * clients:
        raise ValueError(f"{len(bodies)} requests of {clients} clients are too few to measure by")
    answers = asyncio.run(load(url, bodies, clients=clients))
    first, last = clients - 1, len(answers) - clients - 1
    return (last - first) / (answers[last].at - answers[first].at)


def turns(requests: int) -> list[slice]:
    """Return about equal parts of the requests, for services that are measured in turns."""
    count = max(1, requests // PER_TURN)
    bounds = [requests * number // count for number in range(count + 1)]
    return [slice(*pair) for pair in pairwise(bounds)]
