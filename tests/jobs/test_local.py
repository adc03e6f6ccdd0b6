"""The asyncio executor: the conformance suite, and what is its own (bounds, retention, jobs that do not stop)."""

import asyncio
import logging
from typing import Any

import pytest

from rtvi_plugins.jobs.base import EventKind, Status, UnknownJobError
from rtvi_plugins.jobs.local import LocalExecutor
from rtvi_plugins.testing.executor_checks import end_of, read
from rtvi_plugins.testing.executor_conformance import CASES, check


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_conforms(case: Any) -> None:
    asyncio.run(check(case, lambda: LocalExecutor(grace=0.5)))


def test_the_suite_takes_a_factory_that_must_be_awaited() -> None:
    async def make() -> Any:
        return LocalExecutor()

    asyncio.run(check(CASES[0], make))


async def stubborn(job: Any, arguments: Any) -> None:
    """Go on for as many cancellations as the arguments say."""
    for _ in range(arguments):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await job.update("not yet")


def test_a_job_that_does_not_stop_is_given_up_after_its_deadline(caplog: Any) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        executor = LocalExecutor(grace=0.02)
        executor.register("stubborn", stubborn)
        await executor.start("late", "stubborn", 2, deadline=0.02)
        await executor.start("cancelled", "stubborn", 3, deadline=0.02)
        await asyncio.sleep(0)
        await executor.cancel("cancelled")
        late = await end_of(executor, "late")
        cancelled = await end_of(executor, "cancelled")
        assert (late.status, late.data) == (Status.ERROR, {"error": "Timed out after 0.02 s"})
        assert (cancelled.status, cancelled.data) == (Status.ERROR, {"error": "The job did not stop"})
        for task in asyncio.all_tasks() - before:
            task.cancel()
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before
        assert await read(executor, "late", after=late.cursor) == []
        await executor.aclose()

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert caplog.text.count("is given up") == 2


def test_closing_gives_up_what_does_not_stop(caplog: Any) -> None:
    async def main() -> None:
        executor = LocalExecutor(grace=0.01)
        executor.register("stubborn", stubborn)
        await executor.start("key", "stubborn", 2)
        reader = asyncio.ensure_future(read(executor, "key"))
        await asyncio.sleep(0)
        await executor.aclose()
        event = (await reader)[-1]
        assert (event.status, event.data) == (Status.ERROR, {"error": "The job did not stop"})
        assert len(executor) == 0

    asyncio.run(main())
    assert "is given up" in caplog.text


def test_a_job_may_close_its_own_executor() -> None:
    async def main() -> None:
        executor = LocalExecutor()

        async def closes(_job: Any, _arguments: Any) -> None:
            await executor.aclose()

        executor.register("closes", closes)
        await executor.start("key", "closes")
        assert (await end_of(executor, "key")).status is Status.CANCELLED

    asyncio.run(main())


async def returns(_job: Any, arguments: Any) -> Any:
    return arguments


def test_ended_jobs_are_kept_within_bounds() -> None:
    async def main() -> None:
        executor = LocalExecutor(max_kept=3)
        executor.register("returns", returns)
        for number in range(10):
            await executor.start(str(number), "returns", number)
            await end_of(executor, str(number))
        assert len(executor) == 3
        assert (await end_of(executor, "9")).data == 9
        with pytest.raises(UnknownJobError):
            await read(executor, "6")

        soon = LocalExecutor(keep=0)
        soon.register("returns", returns)
        await soon.start("key", "returns")
        reader = asyncio.ensure_future(read(soon, "key"))
        assert (await reader)[-1].status is Status.COMPLETED
        with pytest.raises(UnknownJobError):
            await read(soon, "key")
        assert len(soon) == 0

    asyncio.run(main())


def test_memory_holds_the_newest_updates_only() -> None:
    async def main() -> None:
        executor = LocalExecutor(max_updates=8)

        async def counts(job: Any, _arguments: Any) -> None:
            for number in range(1000):
                await job.update(number)

        executor.register("counts", counts)
        await executor.start("key", "counts")
        await end_of(executor, "key")
        events = await read(executor, "key")
        assert [event.data for event in events] == [None, *range(992, 1000), None]
        assert [event.cursor for event in events] == [1, *range(994, 1002), 1002]

    asyncio.run(main())


def test_times_never_go_back_when_the_clock_does() -> None:
    times = iter([1000, 900, 2000, 1500])

    async def main() -> None:
        executor = LocalExecutor(clock=lambda: next(times))

        async def reports(job: Any, _arguments: Any) -> None:
            await job.update(1)
            await job.update(2)

        executor.register("reports", reports)
        await executor.start("key", "reports")
        return [(event.kind, event.at) for event in await read(executor, "key")]

    assert asyncio.run(main()) == [
        (EventKind.STARTED, 1000),
        (EventKind.UPDATE, 1000),
        (EventKind.UPDATE, 2000),
        (EventKind.ENDED, 2000),
    ]
