"""Calls of a deployment, made again where one of its processes dies."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, RayServeException

from samesense.serving.errors import BUSY, GONE, ApiError

TRIES = 40
WAIT_S, LONGEST_WAIT_S = 0.05, 1.0
"""Between tries: a process that died is replaced within seconds."""


async def ask(call: Callable[..., Awaitable[Any]], *given: Any) -> Any:
    """Await a call of a deployment, again while its processes die.

    Raises:
        ApiError: what it refuses; 429 if it has too much to do, 503 if nothing answers.
    """
    wait_s = WAIT_S
    for _ in range(TRIES):
        try:
            found = await call(*given)
        except BackPressureError:
            raise BUSY from None
        except (RayActorError, RayServeException):
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            continue
        if isinstance(found, ApiError):
            raise found
        return found
    raise GONE
