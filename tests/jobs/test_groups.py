"""Job groups as a client sees them: order, fan-out, cancellation, bounds, and the end of the session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import pytest

from rtvi_plugins.errors import ActionError
from rtvi_plugins.jobs.base import Event, JobError, Status
from rtvi_plugins.jobs.group import JobResult
from rtvi_plugins.jobs.local import LocalExecutor
from rtvi_plugins.protocol.messages import NotJSONError
from rtvi_plugins.protocol.versions import Generation
from rtvi_plugins.testing.executor_conformance import CASES, check


async def waits(_job: Any) -> None:
    await asyncio.Event().wait()


async def quick(_job: Any) -> str:
    return "quick"


def completed(name: str, status: str, *response: Any) -> dict[str, Any]:
    data = {"kind": "job_completed", "worker_name": name, "status": status}
    return data | ({"response": response[0]} if response else {})


def test_a_group_tells_its_story_in_order(bench: Any, rules: Any) -> None:
    async def flights(job: Any) -> dict[str, str]:
        await job.update({"found": 4})
        await job.update({"found": 5})
        return {"best": "XY1"}

    async def hotels(job: Any) -> None:
        await flights_ended.wait()
        await job.update(None)

    async def main() -> None:
        session = bench()
        group = session.jobs.start_group(workers={"flights": flights, "hotels": hotels}, label="Trip search")
        assert session.kinds == ["group_started"]
        assert group.results() == {}
        assert not group.is_done
        await session.hear("job_completed")
        flights_ended.set()
        results = await group
        assert results == {
            "flights": JobResult(Status.COMPLETED, {"best": "XY1"}),
            "hotels": JobResult(Status.COMPLETED, None),
        }
        assert group.is_done
        assert await group == results
        rules(session.told)
        assert session.data == [
            {"kind": "group_started", "workers": ["flights", "hotels"], "label": "Trip search", "cancellable": True},
            {"kind": "job_update", "worker_name": "flights", "data": {"found": 4}},
            {"kind": "job_update", "worker_name": "flights", "data": {"found": 5}},
            completed("flights", "completed", {"best": "XY1"}),
            {"kind": "job_update", "worker_name": "hotels", "data": None},
            completed("hotels", "completed", None),
            {"kind": "group_completed"},
        ]
        assert {data["job_id"] for data in session.told} == {group.id}
        assert {message["type"] for message in session.sent} == {"ui-job-group"}
        assert len(session.jobs) == 0
        assert session.jobs.tasks == set()

    flights_ended = asyncio.Event()
    asyncio.run(main())


def test_legacy_clients_get_the_same_as_server_messages(bench: Any, rules: Any) -> None:
    async def main() -> None:
        session = bench(generation=Generation.LEGACY)
        await session.jobs.start_group(workers={"one": quick}, cancellable=False)
        assert {message["type"] for message in session.sent} == {"server-message"}
        rules(session.told)
        assert session.data == [
            {"kind": "group_started", "workers": ["one"], "cancellable": False},
            completed("one", "completed", "quick"),
            {"kind": "group_completed"},
        ]

    asyncio.run(main())


def test_each_worker_has_its_own_end_and_job(bench: Any, rules: Any) -> None:
    jobs: dict[str, Any] = {}

    async def refuses(job: Any) -> None:
        jobs["refuses"] = job
        raise ActionError("Sold out", code="sold-out")

    async def fails(job: Any) -> None:
        jobs["fails"] = job
        raise ValueError("secret")

    async def wrong(_job: Any) -> Any:
        return {1, 2}

    async def main() -> None:
        session = bench()
        group = session.jobs.start_group(
            workers={
                "refuses": refuses,
                "fails": fails,
                "wrong": wrong,
                "late": waits,
                "plain": partial(quick),
            },
            deadline=0.03,
        )
        results = await group
        rules(session.told)
        assert results == {
            "refuses": JobResult(Status.FAILED, {"error": "Sold out"}),
            "fails": JobResult(Status.ERROR, {"error": "The job failed"}),
            "wrong": JobResult(Status.ERROR, {"error": "The job returned an invalid result"}),
            "late": JobResult(Status.ERROR, {"error": "Timed out after 0.03 s"}),
            "plain": JobResult(Status.COMPLETED, "quick"),
        }
        assert jobs["refuses"].id == jobs["fails"].id == group.id
        assert jobs["refuses"].key != jobs["fails"].key

    asyncio.run(main())


def test_an_update_that_is_not_json_raises_in_the_handler(bench: Any) -> None:
    async def worker(job: Any) -> str:
        with pytest.raises(NotJSONError):
            await job.update({"it": object()})
        return "went on"

    async def main() -> None:
        session = bench()
        assert (await session.jobs.start_group(workers={"one": worker}))["one"].response == "went on"
        assert session.kinds == ["group_started", "job_completed", "group_completed"]

    asyncio.run(main())


# -- cancelling -------------------------------------------------------------------------------------------------------


def test_cancel_ends_the_unfinished_and_leaves_the_finished(bench: Any, rules: Any) -> None:
    async def slow_to_stop(job: Any) -> None:
        await job.update("here")
        try:
            await asyncio.Event().wait()
        finally:
            await job.update("late")
            stopping.set()
            await may_stop.wait()
            await job.update("later")

    async def main() -> None:
        session = bench()
        group = session.jobs.start_group(workers={"quick": quick, "slow": slow_to_stop, "waits": waits})
        await session.hear("job_update")
        await session.hear("job_completed")
        session.jobs.cancel(group.id, "changed my mind")
        session.jobs.cancel(group.id)
        await session.hear("job_completed", 2)
        await stopping.wait()
        assert group.results().keys() == {"quick", "waits"}
        may_stop.set()
        await group
        session.jobs.cancel(group.id)
        rules(session.told)
        assert session.data[1:] == [
            {"kind": "job_update", "worker_name": "slow", "data": "here"},
            completed("quick", "completed", "quick"),
            completed("waits", "cancelled"),
            completed("slow", "cancelled"),
            {"kind": "group_completed"},
        ]

    stopping, may_stop = asyncio.Event(), asyncio.Event()
    asyncio.run(main())


class Distant(LocalExecutor):
    """Takes its time for everything, as one behind a network does."""

    async def start(self, *given: Any, **settings: Any) -> bool:
        await asyncio.sleep(0)
        started = await super().start(*given, **settings)
        await asyncio.sleep(0)
        return started

    async def cancel(self, key: str) -> bool:
        await asyncio.sleep(0)
        return await super().cancel(key)

    async def forget(self, key: str) -> None:
        await asyncio.sleep(0)
        await super().forget(key)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_an_executor_that_takes_its_time_conforms(case: Any) -> None:
    asyncio.run(check(case, Distant))


@pytest.mark.parametrize("executor", [LocalExecutor, Distant], ids=lambda executor: executor.__name__)
@pytest.mark.parametrize("steps", range(8), ids=lambda steps: f"after {steps} steps of the loop")
def test_cancel_at_any_moment_of_the_start(bench: Any, rules: Any, executor: Any, steps: int) -> None:
    async def reports(job: Any) -> None:
        await job.update(1)
        await job.update(2)
        await asyncio.Event().wait()

    async def main() -> None:
        before = asyncio.all_tasks()
        session = bench(executor())
        group = session.jobs.start_group(workers={"a": reports, "b": waits})
        assert repr(group) == f"JobGroup({group.id}: a, b)"
        for _ in range(steps):
            await asyncio.sleep(0)
        group.cancel()
        results = await group
        assert {result.status for result in results.values()} == {Status.CANCELLED}
        rules(session.told)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert len(session.jobs._executor) == 0

    asyncio.run(main())


def test_the_client_cannot_cancel_what_is_not_cancellable_nor_what_it_does_not_know(bench: Any) -> None:
    async def main() -> None:
        session, other = bench(), bench()
        group = session.jobs.start_group(workers={"one": waits}, cancellable=False)
        theirs = other.jobs.start_group(workers={"one": waits})
        for job_id in (group.id, theirs.id, "stranger", ""):
            session.jobs.cancel(job_id)
        await asyncio.sleep(0.01)
        assert session.kinds == ["group_started"]
        assert other.kinds == ["group_started"]
        group.cancel()
        assert (await group)["one"].status is Status.CANCELLED
        await other.jobs.close()

    asyncio.run(main())


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_a_session_runs_so_many_jobs_and_no_more(bench: Any, rules: Any) -> None:
    async def main() -> None:
        session = bench()
        with pytest.raises(ValueError, match="needs a worker"):
            session.jobs.start_group(workers={})
        group = session.jobs.start_group(workers={str(number): waits for number in range(30)})
        with pytest.raises(ActionError, match="Too many jobs at once: 30 are running, 32 may") as refused:
            session.jobs.start_group(workers={"a": waits, "b": waits, "c": waits})
        assert refused.value.code == "busy"
        pair = session.jobs.start_group(workers={"a": quick, "b": waits})
        with pytest.raises(ActionError):
            session.jobs.start_group(workers={"c": quick})
        await session.hear("job_completed")
        await session.jobs.start_group(workers={"c": quick})
        pair.cancel()
        group.cancel()
        await asyncio.gather(*map(_result_of, (pair, group)))
        assert len(session.jobs) == 0
        rules(session.told)

    asyncio.run(main())


async def _result_of(group: Any) -> Any:
    return await group


def test_a_flood_of_updates_is_thinned_out_and_the_newest_arrive(bench: Any, rules: Any) -> None:
    async def floods(job: Any) -> str:
        for number in range(100_000):
            await job.update({"number": number})
        return "done"

    async def main() -> None:
        session = bench()
        turns = 0
        group = session.jobs.start_group(workers={"a": floods})
        while not group.is_done:
            turns += 1
            await asyncio.sleep(0)
            assert len(session.jobs._pacer) <= 1
        rules(session.told)
        numbers = [data["data"]["number"] for data in session.told if data["kind"] == "job_update"]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == 99_999
        assert 64 < len(numbers) < 1_000
        assert turns > 100

    asyncio.run(main())


def test_a_flood_does_not_starve_the_others(bench: Any, rules: Any) -> None:
    async def floods(job: Any) -> None:
        while True:
            await job.update("flood")

    async def reports(job: Any) -> None:
        await session[0].hear("job_update", 64)
        await job.update("calm")
        await asyncio.Event().wait()

    session: list[Any] = []

    async def main() -> None:
        session.append(bench())
        group = session[0].jobs.start_group(workers={"floods": floods, "reports": reports})
        while not any(data.get("data") == "calm" for data in session[0].told):
            session[0].heard.clear()
            await asyncio.wait_for(session[0].heard.wait(), 5)
        group.cancel()
        await group
        rules(session[0].told)
        assert len(session[0].jobs._pacer) == 0

    asyncio.run(main())


# -- the end of the session -------------------------------------------------------------------------------------------


def test_leaving_cancels_what_is_cancellable_and_lets_the_rest_end_unheard(bench: Any) -> None:
    async def pays(job: Any) -> str:
        await job.update("begun")
        await may_end.wait()
        await job.update("ended")
        ended.append(job.cancelled)
        return "paid"

    ended: list[bool] = []

    async def main() -> None:
        before = asyncio.all_tasks()
        executor = LocalExecutor()
        session = bench(executor)
        cancellable = session.jobs.start_group(workers={"a": waits, "b": waits})
        payment = session.jobs.start_group(workers={"pays": pays}, cancellable=False)
        await session.hear("job_update")
        told = len(session.sent)
        await session.jobs.close()
        assert {result.status for result in (await cancellable).values()} == {Status.CANCELLED}
        assert len(session.jobs) == 1
        with pytest.raises(ActionError, match="session has ended"):
            session.jobs.start_group(workers={"c": quick})
        waiting = asyncio.ensure_future(session.jobs.wait_idle())
        await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        await waiting
        assert (await payment)["pays"] == JobResult(Status.COMPLETED, "paid")
        assert ended == [False]
        assert len(session.sent) == told
        await session.jobs.close()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert len(executor) == 0
        assert executor._functions == {}

    may_end = asyncio.Event()
    asyncio.run(main())


def test_closing_the_executor_ends_what_outlived_its_session(bench: Any) -> None:
    async def main() -> None:
        executor = LocalExecutor()
        session = bench(executor)
        group = session.jobs.start_group(workers={"one": waits}, cancellable=False)
        await asyncio.sleep(0.01)
        await session.jobs.close()
        await executor.aclose()
        assert (await group)["one"].status is Status.CANCELLED

    asyncio.run(main())


# -- an executor that fails -------------------------------------------------------------------------------------------


class Refusing(LocalExecutor):
    """Starts nothing."""

    async def start(self, *_given: Any, **_settings: Any) -> bool:
        raise JobError("connection lost")


class Ending(LocalExecutor):
    """Loses the stream of a job that runs."""

    async def events(self, key: str, *, after: int = 0) -> AsyncGenerator[Event, None]:
        async for event in super().events(key, after=after):
            yield event
            return


class Deaf(LocalExecutor):
    """Cannot cancel."""

    async def cancel(self, *_given: Any) -> bool:
        raise JobError("connection lost")


@pytest.mark.parametrize("executor", [Refusing, Ending], ids=lambda executor: executor.__name__)
def test_a_failing_executor_ends_the_group_as_error(bench: Any, rules: Any, caplog: Any, executor: Any) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        session = bench(executor())
        results = await session.jobs.start_group(workers={"one": waits})
        assert results == {"one": JobResult(Status.ERROR, {"error": "The job failed"})}
        rules(session.told)
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before
        assert len(session.jobs._executor) == 0

    asyncio.run(main())
    assert "was lost" in caplog.text


def test_an_executor_that_cannot_cancel_leaves_the_job_to_its_end(bench: Any, rules: Any, caplog: Any) -> None:
    async def ends(_job: Any) -> str:
        await may_end.wait()
        return "done"

    async def main() -> None:
        session = bench(Deaf())
        group = session.jobs.start_group(workers={"one": ends})
        await asyncio.sleep(0.01)
        group.cancel()
        await asyncio.sleep(0.01)
        assert not group.is_done
        may_end.set()
        assert (await group)["one"] == JobResult(Status.COMPLETED, "done")
        rules(session.told)

    may_end = asyncio.Event()
    asyncio.run(main())
    assert "could not be cancelled" in caplog.text


@pytest.mark.parametrize("steps", [0, 1, 3], ids=["before its first step", "at its start", "while it runs"])
def test_a_follower_cancelled_from_outside_still_ends_its_group(bench: Any, rules: Any, steps: int) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        session = bench()
        group = session.jobs.start_group(workers={"one": waits})
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in group.tasks:
            task.cancel()
        assert (await group)["one"] == JobResult(Status.ERROR, {"error": "The job was stopped"})
        rules(session.told)
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before

    asyncio.run(main())


def test_a_host_that_cannot_send_does_not_stop_the_jobs(bench: Any, caplog: Any) -> None:
    def breaks(_message: Any) -> None:
        raise RuntimeError("broken pipe")

    async def main() -> None:
        session = bench()
        session.processor.port.send = breaks
        assert (await session.jobs.start_group(workers={"one": quick}))["one"].response == "quick"

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert "could not report" in caplog.text
