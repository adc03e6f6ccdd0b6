"""Conformance cases of executors: deadlines, functions that stop late or never, closing, and what is copied."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from rtvi_plugins.errors import ActionError
from rtvi_plugins.jobs.base import (
    Executor,
    Job,
    Status,
)
from rtvi_plugins.testing.executor_checks import (
    Hold,
    end_of,
    ended_as,
    expect,
    is_error,
    read,
)

CLEAN_UP_S: Final = 0.2
"""How long the functions of these cases take to clean up: an executor under test must not give them up before."""


# -- deadlines --------------------------------------------------------------------------------------------------------


async def a_deadline_ends_as_error(executor: Executor) -> None:
    """Cancel the function when its time is up; leave one that ends in time alone."""
    hold, quick = Hold(), Hold()
    quick.go.set()
    executor.register("hold", hold)
    executor.register("quick", quick)
    await executor.start("late", "hold", deadline=0.02)
    await executor.start("in time", "quick", "fine", deadline=20)
    is_error(await end_of(executor, "late"))
    expect(hold.stopped == 1, "the function was stopped", hold.stopped)
    ended_as(await end_of(executor, "in time"), Status.COMPLETED, "fine")
    expect(not await executor.cancel("late"), "a job past its deadline cannot be cancelled")


async def a_swallowed_deadline_ends_as_error(executor: Executor) -> None:
    """Count a function that goes on to return, refuse or fail after its deadline as error all the same."""

    async def swallows(_job: Job, arguments: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if arguments == "refuse":
                raise ActionError("secret") from None
            if arguments == "raise":
                raise ValueError("secret") from None
        return "secret"

    executor.register("swallows", swallows)
    for arguments in ("return", "refuse", "raise"):
        await executor.start(arguments, "swallows", arguments, deadline=0.02)
    for arguments in ("return", "refuse", "raise"):
        is_error(await end_of(executor, arguments))


async def a_deadline_waits_for_the_function(executor: Executor) -> None:
    """Tell the end by deadline once the function has stopped; the job knows, and what it reports then is dropped."""
    cleaning, cleaned = asyncio.Event(), asyncio.Event()
    flags: list[bool] = []

    async def function(job: Job, _arguments: Any) -> Any:
        flags.append(job.cancelled)
        await job.update("before")
        try:
            await asyncio.Event().wait()
        finally:
            flags.append(job.cancelled)
            await job.update("late")
            cleaning.set()
            await cleaned.wait()

    executor.register("function", function)
    await executor.start("key", "function", deadline=0.1)
    cursor = (await read(executor, "key", most=2))[-1].cursor
    try:
        await cleaning.wait()
        expect(flags == [False, True], "`cancelled` tells that the deadline has passed", flags)
        ending = asyncio.ensure_future(read(executor, "key", after=cursor))
        await asyncio.sleep(CLEAN_UP_S / 4)
        expect(not ending.done(), "the end by deadline is told only when the function has stopped")
    finally:
        cleaned.set()
    events = await ending
    expect([event.status for event in events] == [Status.ERROR], "late updates are dropped", events)
    is_error(events[0])


async def a_job_that_will_not_stop_is_given_up(executor: Executor) -> None:
    """End it as error some time after its deadline, also when it was cancelled before; drop what it still does."""
    running = asyncio.Semaphore(0)
    released, gone = asyncio.Event(), asyncio.Semaphore(0)

    async def stubborn(job: Job, _arguments: Any) -> Any:
        running.release()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        await job.update("late")
        gone.release()
        return "late"

    executor.register("stubborn", stubborn)
    try:
        await executor.start("plain", "stubborn", deadline=0.1)
        await executor.start("cancelled", "stubborn", deadline=0.1)
        await running.acquire()
        await running.acquire()
        expect(await executor.cancel("cancelled"), "cancel tells that it asked the job")
        ends = {key: await end_of(executor, key) for key in ("plain", "cancelled")}
        for key, event in ends.items():
            expect(event.status is Status.ERROR, f"a job that is given up ends as error ({key})", event)
            is_error(event)
            expect(await executor.cancel(key) is False, f"a job that was given up cannot be cancelled ({key})")
    finally:
        released.set()
    await gone.acquire()
    await gone.acquire()
    await asyncio.sleep(0.01)
    for key, event in ends.items():
        expect(await end_of(executor, key) == event, "what a given-up job does later is dropped", event)


# -- the executor's own end, and that of a name -----------------------------------------------------------------------


async def unregistering_leaves_jobs_alone(executor: Executor) -> None:
    """Let running jobs of a forgotten function go on; the same call still attaches to them."""
    hold = Hold()
    executor.register("hold", hold)
    await executor.start("key", "hold", "result")
    await hold.running.wait()
    executor.unregister("hold")
    await asyncio.sleep(0.01)
    expect(hold.stopped == 0, "unregister leaves running jobs alone", hold.stopped)
    expect(await executor.start("key", "hold", "result") is False, "the same call attaches to the running job")
    hold.go.set()
    ended_as(await end_of(executor, "key"), Status.COMPLETED, "result")


async def closing_waits_for_clean_up(executor: Executor) -> None:
    """Return from aclose when every clean-up has run undisturbed, also those that were under way already."""
    running, cleaning = asyncio.Semaphore(0), asyncio.Semaphore(0)
    cleaned: list[str] = []

    async def function(job: Job, _arguments: Any) -> None:
        running.release()
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.release()
            await asyncio.sleep(CLEAN_UP_S)
            cleaned.append(job.key)

    executor.register("function", function)
    wanted = {"running": Status.CANCELLED, "cancelled": Status.CANCELLED, "late": Status.ERROR}
    for key in wanted:
        await executor.start(key, "function", deadline=0.1 if key == "late" else None)
    readers = {key: asyncio.ensure_future(read(executor, key)) for key in wanted}
    for _ in wanted:
        await running.acquire()
    await executor.cancel("cancelled")
    await cleaning.acquire()
    await cleaning.acquire()
    await executor.aclose()
    expect(sorted(cleaned) == sorted(wanted), "aclose waits until every clean-up has run", cleaned)
    for key, reader in readers.items():
        event = (await reader)[-1]
        expect(event.status is wanted[key], f"the job ends as {wanted[key]}", event)


# -- copies -----------------------------------------------------------------------------------------------------------


async def arguments_are_copied(executor: Executor) -> None:
    """Hand the function the arguments as they were at the start, whatever their owner does to them later."""
    hold = Hold()
    hold.go.set()
    executor.register("hold", hold)
    arguments = {"list": [1]}
    await executor.start("key", "hold", arguments)
    arguments["list"].append(2)
    ended_as(await end_of(executor, "key"), Status.COMPLETED, {"list": [1]})


async def a_response_is_copied(executor: Executor) -> None:
    """Report the response as it was when the function returned, whatever its owner does to it later."""
    kept = {"soon": [1], "later": [1]}

    async def function(_job: Job, _arguments: Any) -> Any:
        # The next turn of the loop is the soonest that anybody else can change it.
        asyncio.get_running_loop().call_soon(kept["soon"].append, 2)
        return kept

    executor.register("function", function)
    await executor.start("key", "function")
    ended_as(await end_of(executor, "key"), Status.COMPLETED, {"soon": [1], "later": [1]})
    kept["later"].append(2)
    ended_as(await end_of(executor, "key"), Status.COMPLETED, {"soon": [1], "later": [1]})
