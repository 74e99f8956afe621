"""Items of many requests go out in few calls, and each outcome finds its request again."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from samesense.serving.errors import ApiError
from samesense.serving.joining import Joining


class Calls:
    """Doubles numbers, when it is told to; notes how they came."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go_on = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.sizes.append(len(numbers))
        await self.go_on.wait()
        if 13 in numbers:
            raise ValueError("thirteen")
        return [2 * number for number in numbers]


async def begun(*requests: "asyncio.Task[list[int]]") -> None:
    for _ in requests:
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def three_after_one_of_200_ms(
    calls: Calls, joined: Joining[int, int]
) -> "list[asyncio.Task[list[int]]]":
    first = asyncio.create_task(joined([0]))
    await asyncio.sleep(0.2)
    calls.go_on.set()
    await first
    calls.go_on.clear()
    requests = [asyncio.create_task(joined([n])) for n in range(1, 4)]
    await begun(*requests)
    return requests


def test_what_waits_goes_out_together() -> None:
    async def main() -> None:
        calls = Calls()
        joined: Joining[int, int] = Joining(calls, calls=2, items_per_call=4)
        requests = [asyncio.create_task(joined([n, n + 1])) for n in range(0, 12, 2)]
        await begun(*requests)
        # Two calls at once with what was there, the other four requests wait.
        assert calls.sizes == [2, 2]
        calls.go_on.set()
        found = await asyncio.gather(*requests)
        assert found == [[2 * n, 2 * n + 2] for n in range(0, 12, 2)]
        assert calls.sizes == [2, 2, 4, 4]

    asyncio.run(main())


def test_while_all_is_busy_only_full_calls_go_out() -> None:
    async def main() -> None:
        calls = Calls()
        joined: Joining[int, int] = Joining(calls, calls=3, small_calls=1, items_per_call=4)
        requests = [asyncio.create_task(joined([n])) for n in range(7)]
        await begun(*requests)
        assert calls.sizes == [1, 4]
        calls.go_on.set()
        assert await asyncio.gather(*requests) == [[2 * n] for n in range(7)]
        assert calls.sizes == [1, 4, 2]

    asyncio.run(main())


def test_a_small_call_waits_for_more_while_another_is_under_way() -> None:
    async def main() -> None:
        calls = Calls()
        joined: Joining[int, int] = Joining(calls, calls=2, items_per_call=4, wait_s=60)
        requests = await three_after_one_of_200_ms(calls, joined)
        # So others are waited for a tenth of that.
        assert calls.sizes == [1, 1]
        await asyncio.sleep(0.1)
        assert calls.sizes == [1, 1, 2]
        requests += [asyncio.create_task(joined([n])) for n in range(4, 7)]
        calls.go_on.set()
        assert await asyncio.gather(*requests) == [[2 * n] for n in range(1, 7)]

    asyncio.run(main())


def test_a_full_call_does_not_wait() -> None:
    async def main() -> None:
        calls = Calls()
        joined: Joining[int, int] = Joining(calls, calls=2, items_per_call=2, wait_s=60)
        requests = await three_after_one_of_200_ms(calls, joined)
        assert calls.sizes == [1, 1, 2]
        calls.go_on.set()
        await asyncio.gather(*requests)

    asyncio.run(main())


def test_a_large_request_is_parted_and_comes_back_in_order() -> None:
    async def main() -> None:
        calls = Calls()
        calls.go_on.set()
        joined: Joining[int, int] = Joining(calls, calls=3, items_per_call=4)
        assert await joined(range(10)) == [2 * n for n in range(10)]
        assert calls.sizes == [4, 4, 2]

    asyncio.run(main())


def test_a_call_that_fails_fails_its_own_requests_and_no_more() -> None:
    async def main() -> None:
        calls = Calls()
        calls.go_on.set()
        joined: Joining[int, int] = Joining(calls, calls=1, items_per_call=1)
        bad, good = await asyncio.gather(joined([13]), joined([1]), return_exceptions=True)
        assert isinstance(bad, ValueError)
        assert good == [2]

    asyncio.run(main())


def test_a_call_that_is_cancelled_refuses_its_requests() -> None:
    async def main() -> None:
        async def cancelled(numbers: Sequence[int]) -> list[int]:
            raise asyncio.CancelledError

        joined: Joining[int, int] = Joining(cancelled, calls=1, items_per_call=8)
        with pytest.raises(ApiError, match="ask again"):
            await asyncio.wait_for(joined([1]), 5)

    asyncio.run(main())


def test_a_call_is_of_no_requests_context() -> None:
    name: ContextVar[str] = ContextVar("name", default="nobody")

    async def main() -> None:
        async def whose(numbers: Sequence[int]) -> list[str]:
            return [name.get() for _ in numbers]

        name.set("somebody")
        joined: Joining[int, str] = Joining(whose, calls=1, items_per_call=8)
        assert await joined([1]) == ["nobody"]

    asyncio.run(main())


def test_a_caller_that_has_gone_is_not_worked_for() -> None:
    async def main() -> None:
        calls = Calls()
        joined: Joining[int, int] = Joining(calls, calls=1, items_per_call=8)
        first, gone, last = (asyncio.create_task(joined([n])) for n in (1, 2, 3))
        await begun(first, gone, last)
        gone.cancel()
        await begun(gone)
        calls.go_on.set()
        assert await asyncio.gather(first, last) == [[2], [6]]
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert calls.sizes == [1, 1]

    asyncio.run(main())
