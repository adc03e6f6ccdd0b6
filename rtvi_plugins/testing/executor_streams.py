"""Conformance cases of executors: cancelling, and reading the same stream again."""

from __future__ import annotations

import asyncio
from typing import Any

from rtvi_plugins.jobs.base import (
    DuplicateJobError,
    Executor,
    Job,
    Status,
    UnknownJobError,
)
from rtvi_plugins.testing.executor_checks import (
    Hold,
    end_of,
    ended_as,
    expect,
    raises,
    read,
)

# -- cancelling -------------------------------------------------------------------------------------------------------


async def cancel_before_it_began(executor: Executor) -> None:
    """Let a job that is cancelled at once do no work, or stop at its first step."""
    hold = Hold()
    executor.register("hold", hold)
    await executor.start("key", "hold")
    expect(await executor.cancel("key"), "cancel tells that it asked the job")
    ended_as(await end_of(executor, "key"), Status.CANCELLED)
    expect(hold.calls == hold.stopped, "nothing goes on", hold.calls, hold.stopped)


async def cancel_while_running(executor: Executor) -> None:
    """Tell the end once the function has really stopped; drop what it reports in between."""
    running, cleaning, cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()
    flags: list[bool] = []

    async def function(job: Job, _arguments: Any) -> Any:
        await job.update("before")
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            flags.append(job.cancelled)
            await job.update("late")
            cleaning.set()
            await cleaned.wait()

    executor.register("function", function)
    await executor.start("key", "function")
    await running.wait()
    expect(await executor.cancel("key"), "cancel tells that it asked the job")
    await cleaning.wait()
    expect(await executor.cancel("key"), "a job that is stopping may be asked again, and is not disturbed")
    cursor = (await read(executor, "key", most=2))[-1].cursor
    ending = asyncio.ensure_future(read(executor, "key", after=cursor))
    await asyncio.sleep(0.01)
    expect(not ending.done(), "cancelled is told only when the function has stopped")
    cleaned.set()
    events = await ending
    expect([event.status for event in events] == [Status.CANCELLED], "late updates are dropped", events)
    expect(events[0].data is None, "cancelled has no response", events)
    expect(flags == [True], "the job knows that it is cancelled", flags)


async def cancel_of_one_that_will_not_hear(executor: Executor) -> None:
    """Count a function that swallows its cancellation, or fails over it, as cancelled all the same."""
    running = asyncio.Semaphore(0)

    async def swallows(_job: Job, arguments: Any) -> Any:
        running.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if arguments == "raise":
                raise ValueError("secret") from None
        return "done all the same"

    executor.register("swallows", swallows)
    for arguments in ("return", "raise"):
        await executor.start(arguments, "swallows", arguments)
        await running.acquire()
        await executor.cancel(arguments)
        ended_as(await end_of(executor, arguments), Status.CANCELLED)


async def cancel_after_the_end(executor: Executor) -> None:
    """Leave a job that has ended its status; one that never was cannot be cancelled."""
    hold = Hold()
    hold.go.set()
    executor.register("hold", hold)
    await executor.start("key", "hold", "result")
    await end_of(executor, "key")
    expect(await executor.cancel("key") is False, "an ended job cannot be cancelled")
    ended_as(await end_of(executor, "key"), Status.COMPLETED, "result")
    expect(await executor.cancel("stranger") is False, "an unknown job cannot be cancelled")


# -- the same key, the same stream again ------------------------------------------------------------------------------


async def a_duplicate_key_attaches(executor: Executor) -> None:
    """Let the same call join the running job, or find the ended one; refuse another call."""
    hold = Hold()
    executor.register("hold", hold)
    executor.register("other", Hold())
    expect(await executor.start("key", "hold", {"a": 1, "b": 2}), "the first call starts the job")
    expect(await executor.start("key", "hold", {"b": 2, "a": 1}) is False, "the same call attaches")
    await raises(DuplicateJobError, executor.start("key", "hold", {"a": 1}))
    await raises(DuplicateJobError, executor.start("key", "other", {"a": 1, "b": 2}))
    hold.go.set()
    ended_as(await end_of(executor, "key"), Status.COMPLETED, {"a": 1, "b": 2})
    expect(await executor.start("key", "hold", {"a": 1, "b": 2}) is False, "the same call finds the ended job")
    ended_as(await end_of(executor, "key"), Status.COMPLETED, {"a": 1, "b": 2})
    expect(hold.calls == 1, "the function ran once", hold.calls)


async def a_reader_may_come_back(executor: Executor) -> None:
    """Read again in the middle and after the end, from any cursor; several readers see the same."""
    steps: asyncio.Queue[int | None] = asyncio.Queue()

    async def function(job: Job, _arguments: Any) -> Any:
        while (step := await steps.get()) is not None:
            await job.update(step)
        return "end"

    executor.register("function", function)
    await executor.start("key", "function")
    for step in range(3):
        steps.put_nowait(step)
    first = await read(executor, "key", most=3)
    expect([event.data for event in first] == [None, 0, 1], "started and two updates", first)
    others = [asyncio.ensure_future(read(executor, "key")) for _ in range(3)]
    for rest in (3, 4, None):
        steps.put_nowait(rest)
    second = await read(executor, "key", after=first[-1].cursor)
    expect([event.data for event in second] == [2, 3, 4, "end"], "the rest, without a gap or a repeat", second)
    for events in await asyncio.gather(*others):
        expect(events == [*first, *second], "every reader sees the same events", events)
    again = await read(executor, "key")
    expect(again == [*first, *second], "the stream can be read again after the end", again)
    nothing = await read(executor, "key", after=again[-1].cursor)
    expect(nothing == [], "there is nothing behind the end", nothing)


async def a_forgotten_job_is_gone(executor: Executor) -> None:
    """Forget at once after the end, else when it comes; a reader that is there sees it; the key is free again."""
    hold = Hold()
    executor.register("hold", hold)
    await executor.start("key", "hold", "result")
    reader = asyncio.ensure_future(read(executor, "key"))
    await hold.running.wait()
    await executor.forget("key")
    hold.go.set()
    ended_as((await reader)[-1], Status.COMPLETED, "result")
    await raises(UnknownJobError, read(executor, "key"))
    expect(await executor.start("key", "hold", "other"), "the key is free again")
    await end_of(executor, "key")
    await executor.forget("key")
    await executor.forget("key")
    await raises(UnknownJobError, read(executor, "key"))
