"""Coroutines begun in one task and awaited to their end in it: what they give, raise and see."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins.processor.stepping import begin, rest_of


async def wait_often(times: int) -> tuple[str, bool]:
    task = asyncio.current_task()
    for _ in range(times):
        await asyncio.sleep(0)
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, "done")
    return await future, task is asyncio.current_task()


async def out_of_time() -> str:
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        return "timed out"
    return "not timed out"


async def give_up_then_go_on() -> str:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "tidied up"
    return "not cancelled"


async def begun(coroutine: Any) -> Any:
    """Begin a coroutine and await the rest, as the message loop does with a handler that waits."""
    return await rest_of(coroutine, coroutine.send(None))


@pytest.mark.parametrize("times", [0, 1, 5])
def test_the_rest_gives_what_the_coroutine_returns_and_stays_in_its_task(times: int) -> None:
    assert asyncio.run(begun(wait_often(times))) == ("done", True)


def test_a_time_out_inside_ends_only_what_it_is_around() -> None:
    assert asyncio.run(begun(out_of_time())) == "timed out"


def test_what_is_raised_after_waiting_comes_out() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("after")

    with pytest.raises(LookupError, match="after"):
        asyncio.run(begun(fail()))


@pytest.mark.parametrize("steps", [1, 2], ids=["at its first wait", "at a later one"])
def test_a_cancellation_reaches_where_it_waits(steps: int) -> None:
    async def wait_first() -> str:
        for _ in range(steps - 1):
            await asyncio.sleep(0)
        return await give_up_then_go_on()

    async def main() -> Any:
        task = asyncio.create_task(begun(wait_first()))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(main()) == "tidied up"


def test_closing_the_rest_closes_the_coroutine() -> None:
    seen: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("closed")

    async def main() -> None:
        coroutine = wait()
        rest: Any = rest_of(coroutine, coroutine.send(None))
        rest.send(None)
        rest.close()

    asyncio.run(main())
    assert seen == ["closed"]


def test_what_need_not_wait_is_done_at_once() -> None:
    seen: list[int] = []

    async def note() -> None:
        seen.append(1)

    assert begin(note()) is None
    assert seen == [1]
