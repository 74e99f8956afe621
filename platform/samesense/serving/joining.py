"""What many requests ask at the same time, joined into few calls.

A call from process to process costs about as much for one item as for many, and a forward of one
item hardly less than one of several. What is asked goes out at once while few calls are under way;
else it waits until a call ends or enough waits for a full one. So nothing waits without need, and
calls grow with the load.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class _Place(Generic[T, R]):
    """An item that waits, and where its outcome will be."""

    item: T
    outcome: "asyncio.Future[R]"


class Joining(Generic[T, R]):
    """Answers items by calls of up to ``items_per_call``, of which ``calls`` are under way.

    Beyond ``small_calls`` under way, only full ones go out.
    """

    def __init__(
        self,
        call: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        calls: int,
        items_per_call: int,
        small_calls: int | None = None,
    ) -> None:
        """``call`` gives one outcome for each item, in order; any call may be small by default."""
        self._call, self._calls, self._items_per_call = call, calls, items_per_call
        self._small_calls = calls if small_calls is None else small_calls
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
            if size < self._items_per_call and len(self._under_way) >= self._small_calls:
                return
            taken = [self._waiting.popleft() for _ in range(size)]
            # A request whose caller has gone takes its items back.
            wanted = [place for place in taken if not place.outcome.done()]
            if wanted:
                self._under_way.add(asyncio.create_task(self._answer(wanted)))

    async def _answer(self, places: Sequence[_Place[T, R]]) -> None:
        try:
            outcomes = await self._call([place.item for place in places])
            for place, outcome in zip(places, outcomes, strict=True):
                if not place.outcome.done():
                    place.outcome.set_result(outcome)
        except Exception as error:
            for place in places:
                if not place.outcome.done():
                    place.outcome.set_exception(error)
        finally:
            self._under_way.discard(asyncio.current_task())
            self._send()
