"""What every executor of jobs must do, as cases to run against yours.

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
    def test_it_conforms(case):
        asyncio.run(check(case, make_executor))

`make_executor` gives a fresh executor, or an awaitable of one, for each case; it is closed here. The functions are
registered in this process and talk to the case through it, so the executor must run them in this event loop. One case
waits until jobs are given up and others clean up for 0.2 s, so let it give up a job about 0.5 s after its deadline, and
in `aclose`. Needs no pytest; what is wrong is raised as ConformanceError, what never comes as TimeoutError.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from rtvi_plugins.errors import ActionError
from rtvi_plugins.jobs.base import (
    EventKind,
    Executor,
    ExecutorClosedError,
    Job,
    JobError,
    Status,
    UnknownFunctionError,
    UnknownJobError,
)
from rtvi_plugins.protocol.messages import NotJSONError
from rtvi_plugins.testing.executor_checks import (
    ConformanceError,
    Hold,
    end_of,
    ended_as,
    expect,
    is_error,
    raises,
    read,
)
from rtvi_plugins.testing.executor_stopping import (
    a_deadline_ends_as_error,
    a_deadline_waits_for_the_function,
    a_job_that_will_not_stop_is_given_up,
    a_response_is_copied,
    a_swallowed_deadline_ends_as_error,
    arguments_are_copied,
    closing_waits_for_clean_up,
    unregistering_leaves_jobs_alone,
)
from rtvi_plugins.testing.executor_streams import (
    a_duplicate_key_attaches,
    a_forgotten_job_is_gone,
    a_reader_may_come_back,
    cancel_after_the_end,
    cancel_before_it_began,
    cancel_of_one_that_will_not_hear,
    cancel_while_running,
)

MakeExecutor = Callable[[], Executor | Awaitable[Executor]]
Case = Callable[[Executor], Awaitable[None]]


async def check(case: Case, make_executor: MakeExecutor, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109
    """Run one case on a fresh executor, close it, and see that no task is left.

    Raises ConformanceError, or TimeoutError after `timeout` seconds.
    """
    before = asyncio.all_tasks()
    made = make_executor()
    executor = await made if inspect.isawaitable(made) else made
    try:
        async with asyncio.timeout(timeout):
            await case(executor)
    finally:
        await executor.aclose()
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - before
    expect(not left, "tasks are left after aclose", *left)


# -- starting and ending ----------------------------------------------------------------------------------------------


async def it_runs_a_function_with_arguments(executor: Executor) -> None:
    """Give a job its key, id and arguments; what it returns is the response."""
    seen: list[Any] = []
    given = {"text": "é", "list": [1, 2.5, None, True], "big": 2**70}

    async def function(job: Job, arguments: Any) -> Any:
        seen.extend((job.key, job.id, job.cancelled, arguments))
        return {"back": arguments}

    executor.register("function", function)
    expect(await executor.start("group/worker", "function", given) is True, "start tells that it started the job")
    ended_as(await end_of(executor, "group/worker"), Status.COMPLETED, {"back": given})
    expect(seen == ["group/worker", "group", False, given], "the job and its arguments are handed over", seen)


async def it_refuses_what_it_cannot_start(executor: Executor) -> None:
    """Refuse unknown functions, arguments that are not JSON, a name registered twice."""
    hold = Hold()
    executor.register("hold", hold)
    executor.register("hold", hold)
    try:
        executor.register("hold", Hold())
    except ValueError:
        pass
    else:
        raise ConformanceError("a name that another function has is refused")
    await raises(UnknownFunctionError, executor.start("key", "stranger"))
    await raises(NotJSONError, executor.start("key", "hold", {"it": object()}))
    await raises(UnknownJobError, read(executor, "key"))
    executor.unregister("hold")
    executor.unregister("hold")
    await raises(UnknownFunctionError, executor.start("key", "hold"))


async def progress_keeps_its_order(executor: Executor) -> None:
    """Report updates as they were made, between start and end, copied at that moment."""

    async def function(job: Job, _arguments: Any) -> Any:
        state = {"step": 0}
        for step in range(20):
            state["step"] = step
            await job.update(state)
        state["step"] = -1
        return "done"

    executor.register("function", function)
    await executor.start("key", "function")
    ended_as(await end_of(executor, "key"), Status.COMPLETED, "done")
    updates = [event.data for event in await read(executor, "key") if event.kind is EventKind.UPDATE]
    expect(updates == [{"step": step} for step in range(20)], "every update is there, in order", updates)


async def progress_must_be_json(executor: Executor) -> None:
    """Refuse an update that is not JSON to the function, which goes on."""

    async def function(job: Job, _arguments: Any) -> Any:
        for wrong in ({1, 2}, float("nan"), {1: 2}, object()):
            await raises(NotJSONError, job.update(wrong))
        await job.update(None)
        return "went on"

    executor.register("function", function)
    await executor.start("key", "function")
    ended_as(await end_of(executor, "key"), Status.COMPLETED, "went on")
    updates = [event.data for event in await read(executor, "key") if event.kind is EventKind.UPDATE]
    expect(updates == [None], "only what is JSON is reported", updates)


async def endless_progress_stays_bounded(executor: Executor) -> None:
    """Take ten thousand updates: old ones may go, order and the newest stay, and other tasks run meanwhile."""
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def function(job: Job, _arguments: Any) -> None:
        for step in range(10_000):
            await job.update(step)

    executor.register("function", function)
    task = asyncio.ensure_future(turning())
    try:
        await executor.start("key", "function")
        await end_of(executor, "key")
    finally:
        task.cancel()
        await asyncio.wait((task,))
    steps = [event.data for event in await read(executor, "key") if event.kind is EventKind.UPDATE]
    expect(steps == sorted(set(steps)), "updates stay in order", steps[:20])
    expect(steps[-1:] == [9_999], "the newest update is kept", steps[-3:])
    expect(turns > 10, "a loop of updates lets other tasks run", turns)


# -- failing ----------------------------------------------------------------------------------------------------------


async def a_refusal_ends_as_failed(executor: Executor) -> None:
    """Pass the text of an ActionError on: it is for the client."""

    async def function(_job: Job, _arguments: Any) -> Any:
        raise ActionError("No seats left")

    executor.register("function", function)
    await executor.start("key", "function")
    ended_as(await end_of(executor, "key"), Status.FAILED, {"error": "No seats left"})


async def a_crash_ends_as_error(executor: Executor) -> None:
    """End the job whatever ended its function, never in silence, and tell nothing of the reason."""

    class AlienError(BaseException):
        """Not even an Exception."""

    async def cancels_itself(_job: Job, _arguments: Any) -> None:
        task = asyncio.current_task()
        if task is not None:
            task.cancel("secret")
        await asyncio.sleep(0)

    def raising(error: BaseException) -> Callable[[Job, Any], Awaitable[Any]]:
        async def function(_job: Job, _arguments: Any) -> Any:
            await asyncio.sleep(0)
            raise error

        return function

    def at_once(_job: Job, _arguments: Any) -> Awaitable[Any]:
        raise RuntimeError("secret")

    async def not_json(_job: Job, _arguments: Any) -> Any:
        return {"secret": object()}

    functions: dict[str, Callable[[Job, Any], Awaitable[Any]]] = {
        "exception": raising(ValueError("secret")),
        "time-out of its own": raising(TimeoutError("secret")),
        "base exception": raising(AlienError("secret")),
        "exit": raising(SystemExit("secret")),
        "cancellation": raising(asyncio.CancelledError("secret")),
        "cancels itself": cancels_itself,
        "raises before it runs": at_once,
        "result that is not JSON": not_json,
    }
    for name, function in functions.items():
        executor.register(name, function)
        await executor.start(name, name)
    for name in functions:
        is_error(await end_of(executor, name))


# -- many, and the end ------------------------------------------------------------------------------------------------


async def two_hundred_at_once(executor: Executor) -> None:
    """Run all side by side, each with its own stream, updates and end."""
    arrived = 0
    everybody = asyncio.Event()

    async def function(job: Job, number: Any) -> Any:
        nonlocal arrived
        arrived += 1
        if arrived == 200:
            everybody.set()
        await everybody.wait()
        await job.update(number)
        if number % 3 == 0:
            raise ActionError(str(number))
        if number % 3 == 1:
            await asyncio.Event().wait()
        return number

    executor.register("function", function)
    keys = [f"group/{number}" for number in range(200)]
    for number, key in enumerate(keys):
        await executor.start(key, "function", number)
    readers = [asyncio.ensure_future(read(executor, key)) for key in keys]
    await everybody.wait()
    for key in keys[1::3]:
        await read(executor, key, most=2)
        await executor.cancel(key)
    for number, events in enumerate(await asyncio.gather(*readers)):
        wanted = ((Status.FAILED, {"error": str(number)}), (Status.CANCELLED, None), (Status.COMPLETED, number))
        seen = [(event.kind, event.data) for event in events[:2]]
        expect(seen == [(EventKind.STARTED, None), (EventKind.UPDATE, number)], "each stream has its own", seen)
        ended_as(events[-1], *wanted[number % 3])


async def closing_leaves_nothing(executor: Executor) -> None:
    """Stop every job and let its readers hear of it; nothing starts any more; closing again does nothing."""
    hold = Hold()
    executor.register("hold", hold)
    readers = []
    for number in range(10):
        await executor.start(f"key {number}", "hold", number)
        readers.append(asyncio.ensure_future(read(executor, f"key {number}")))
    await hold.running.wait()
    for reader in readers:
        await asyncio.sleep(0)
        expect(not reader.done(), "the jobs run")
    await executor.aclose()
    expect(hold.stopped == hold.calls, "every function was stopped", hold.calls, hold.stopped)
    for events in await asyncio.gather(*readers):
        ended_as(events[-1], Status.CANCELLED)
    await raises(ExecutorClosedError, executor.start("late", "hold"))
    await raises(JobError, read(executor, "key 0"))
    await executor.aclose()


CASES: Final[tuple[Case, ...]] = (
    it_runs_a_function_with_arguments,
    it_refuses_what_it_cannot_start,
    unregistering_leaves_jobs_alone,
    arguments_are_copied,
    a_response_is_copied,
    progress_keeps_its_order,
    progress_must_be_json,
    endless_progress_stays_bounded,
    a_refusal_ends_as_failed,
    a_crash_ends_as_error,
    a_deadline_ends_as_error,
    a_swallowed_deadline_ends_as_error,
    a_deadline_waits_for_the_function,
    a_job_that_will_not_stop_is_given_up,
    cancel_before_it_began,
    cancel_while_running,
    cancel_of_one_that_will_not_hear,
    cancel_after_the_end,
    a_duplicate_key_attaches,
    a_reader_may_come_back,
    a_forgotten_job_is_gone,
    two_hundred_at_once,
    closing_leaves_nothing,
    closing_waits_for_clean_up,
)
"""Every case, in the order of the promises in `rtvi_plugins.jobs.base`."""
