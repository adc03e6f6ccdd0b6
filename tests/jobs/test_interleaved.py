"""Two thousand jobs of many sessions at once, with time-outs, cancellations and clients that leave: nothing is left."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from typing import Any

import pytest

from rtvi_plugins.errors import ActionError
from rtvi_plugins.jobs.local import LocalExecutor
from rtvi_plugins.processor.tables import RTVIActionArgument
from rtvi_plugins.protocol.versions import Generation

SESSIONS, ACTIONS, GROUPS = 100, 14, 2
"""Each session starts so many single jobs and groups of three workers: two thousand jobs."""


async def _work(job: Any, chance: random.Random) -> Any:
    """Do one of all the things a job may do."""
    for step in range(chance.randrange(4)):
        await job.update(step)
        await asyncio.sleep(chance.random() * 0.01)
    kind = chance.randrange(8)
    if kind == 0:
        raise ActionError("refused")
    if kind == 1:
        raise ValueError("broken")
    if kind == 2:
        return object()
    if kind == 3:
        await asyncio.Event().wait()
    if kind == 4:
        try:
            await asyncio.sleep(chance.random() * 0.05)
        finally:
            await asyncio.sleep(chance.random() * 0.01)
    if kind == 5:
        try:
            await asyncio.sleep(chance.random() * 0.05)
        except asyncio.CancelledError:
            return "swallowed"
    return "done"


async def _session(bench: Any, executor: Any, rules: Any, seed: int) -> int:
    """Live one session; gives how many jobs it started."""
    chance = random.Random(seed)  # noqa: S311 - it must repeat
    session = bench(executor, chance.choice(list(Generation)))

    async def handler(_processor: Any, job: Any, *, number: int) -> Any:
        return await _work(job, random.Random(number))  # noqa: S311

    async def worker(job: Any) -> Any:
        return await _work(job, chance)

    def start(turn: int) -> Any:
        if turn % (ACTIONS // GROUPS + 1) == 0:
            return session.jobs.start_group(
                workers={"a": worker, "b": worker, "c": worker},
                cancellable=chance.random() < 0.8,
                deadline=0.01 + chance.random() * 0.1,
            )
        action = session.action(
            handler,
            arguments=[RTVIActionArgument("number", {"type": "integer"})],
            timeout=0.01 + chance.random() * 0.1,
            serial=("stage",) if chance.random() < 0.2 else None,
            cancellable=chance.random() < 0.8,
        )
        return session.jobs.start_own(action, {"number": chance.randrange(1_000_000)})

    groups: list[Any] = []
    for turn in range(ACTIONS + GROUPS):
        groups.append(start(turn))
        if chance.random() < 0.4:
            session.jobs.cancel(chance.choice(groups).id)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.01)
    leaves = chance.random() < 0.5
    if leaves:
        await asyncio.sleep(chance.random() * 0.05)
        await session.jobs.close()
        heard = len(session.sent)
    await session.jobs.wait_idle()
    rules(session.told, complete=not leaves)
    assert not leaves or len(session.sent) == heard, "nothing is sent to one who has left"
    assert all(group.results().keys() == set(group.workers) for group in groups)
    assert len(session.jobs) == 0
    assert session.jobs.tasks == set()
    assert len(session.jobs._pacer) == 0
    assert session.jobs._pacer._timer is None
    return sum(len(group.workers) for group in groups)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_thousand_interleaved_jobs_leave_nothing(bench: Any, rules: Any, seed: int) -> None:
    async def main() -> None:
        before, threads = asyncio.all_tasks(), threading.active_count()
        executor = LocalExecutor()
        numbers = range(SESSIONS)
        started = await asyncio.gather(*(_session(bench, executor, rules, seed * 1000 + n) for n in numbers))
        assert sum(started) == 2_000
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert len(executor) == 0
        assert executor._functions == {}
        assert not executor._kept
        assert not executor._given_up
        assert threading.active_count() == threads
        gc.collect()
        loop: Any = asyncio.get_running_loop()
        found = [thing for thing in gc.get_objects() if issubclass(type(thing), asyncio.Future)]
        pending = {id(future) for future in found if future.get_loop() is loop and not future.done()}
        assert pending <= {id(task) for task in before}
        assert [handle for handle in loop._scheduled if not handle.cancelled()] == []

    asyncio.run(main())
