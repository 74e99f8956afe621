"""What many requests ask at the same time, joined into few calls.

A call from process to process costs about as much for one item as for many, and a forward of one
item hardly less than one of several. What is asked goes out at once while nothing is under way,
and soon while few calls are; else it waits until a call ends or enough waits for a full one. So
nothing waits without need, and calls grow with the load.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from samesense.serving.errors import GONE

T = TypeVar("T")
R = TypeVar("R")
WORTH_WAITING = 0.1
"""The part of a call's time that others may be waited for: about what full calls gain over half
full ones."""


@dataclass(frozen=True)
class _Place(Generic[T, R]):
    """An item that waits since a time, and where its outcome will be."""

    item: T
    outcome: "asyncio.Future[R]"
    since_s: float = field(default_factory=time.monotonic)


class Joining(Generic[T, R]):
    """Answers items by calls of up to ``items_per_call``, of which ``calls`` are under way.

    While one is under way, one that is not full waits for more items: for a part of what the last
    call took, at most ``wait_s``. Beyond ``small_calls`` under way, only full ones go out.
    """

    def __init__(
        self,
        call: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        calls: int,
        items_per_call: int,
        small_calls: int | None = None,
        wait_s: float = 0.0,
    ) -> None:
        """``call`` gives one outcome for each item, in order; any call may be small by default."""
        self._call, self._calls, self._items_per_call = call, calls, items_per_call
        self._small_calls = calls if small_calls is None else small_calls
        self._wait_s, self._call_s = wait_s, 0.0
        self._looks_again: asyncio.TimerHandle | None = None
        self._waiting: deque[_Place[T, R]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, items: Sequence[T]) -> list[R]:
        """Return the outcomes of a request's items, in order.

        Raises:
            Exception: what a call with one of them has raised.
        """
        loop = asyncio.get_running_loop()
        places: list[_Place[T, R]] = [_Place(item, loop.create_future()) for item in items]
        self._waiting.extend(places)
        self._send()
        return list(await asyncio.gather(*(place.outcome for place in places)))

    def _send(self) -> None:
        while self._waiting and len(self._under_way) < self._calls:
            size = min(self._items_per_call, len(self._waiting))
            if size < self._items_per_call and not self._may_be_small():
                return
            taken = [self._waiting.popleft() for _ in range(size)]
            # A request whose caller has gone takes its items back.
            wanted = [place for place in taken if not place.outcome.done()]
            if wanted:
                # Of no request's context: it goes on when the one that has set it off is given up.
                answering = asyncio.create_task(self._answer(wanted), context=Context())
                self._under_way.add(answering)

    def _may_be_small(self) -> bool:
        if not self._under_way:
            return True
        if len(self._under_way) >= self._small_calls:
            return False
        until_s = self._waiting[0].since_s + min(self._wait_s, WORTH_WAITING * self._call_s)
        left_s = until_s - time.monotonic()
        if left_s > 0 and self._looks_again is None:
            self._looks_again = asyncio.get_running_loop().call_later(left_s, self._look_again)
        return left_s <= 0

    def _look_again(self) -> None:
        self._looks_again = None
        self._send()

    async def _answer(self, places: Sequence[_Place[T, R]]) -> None:
        started_s = time.monotonic()
        try:
            outcomes = await self._call([place.item for place in places])
            self._call_s = time.monotonic() - started_s
            for place, outcome in zip(places, outcomes, strict=True):
                if not place.outcome.done():
                    place.outcome.set_result(outcome)
        except Exception as error:
            _refuse(places, error)
        finally:
            _refuse(places, GONE)  # if the call itself was cancelled
            self._under_way.discard(asyncio.current_task())
            self._send()


def _refuse(places: Sequence[_Place[T, R]], error: Exception) -> None:
    for place in places:
        if not place.outcome.done():
            place.outcome.set_exception(error)
