"""Clients of a service that keep it busy."""

import asyncio
import base64
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

UNCOUNTED = 128
"""Requests that warm a service up."""


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG as clients put it into JSON."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


async def load(
    url: str, bodies: Sequence[dict[str, Any]], *, clients: int, rate: float | None = None
) -> list[float]:
    """Send every body, by so many clients at once or at a rate; return seconds of each answer."""
    waiting = list(bodies)
    seconds: list[float] = []
    async with aiohttp.ClientSession() as session:

        async def ask(body: dict[str, Any]) -> None:
            started = time.perf_counter()
            async with session.post(url, json=body) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            seconds.append(time.perf_counter() - started)

        async def client() -> None:
            while waiting:
                await ask(waiting.pop())

        if rate is None:
            await asyncio.gather(*(client() for _ in range(clients)))
        else:
            tasks = []
            for body in waiting:
                tasks.append(asyncio.create_task(ask(body)))
                await asyncio.sleep(1 / rate)
            await asyncio.gather(*tasks)
    return seconds


def throughput(url: str, bodies: Sequence[dict[str, Any]], *, clients: int) -> float:
    """Return requests a second, after some that do not count."""
    asyncio.run(load(url, bodies[:UNCOUNTED], clients=clients))
    started = time.perf_counter()
    asyncio.run(load(url, bodies, clients=clients))
    return len(bodies) / (time.perf_counter() - started)
