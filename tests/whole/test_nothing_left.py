"""Two thousand function calls and jobs, mixed up in every way, leave no task, timer, future or entry behind."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from typing import Any

import pytest

from rtvi_plugins import ActionError, FunctionCallResultFrame, RTVIProcessor
from rtvi_plugins.jobs.base import Job
from rtvi_plugins.jobs.group import JobGroup
from rtvi_plugins.processor.functions import FunctionCall
from rtvi_plugins.processor.requests import Request
from tests.pace import HANG_S, slowness

from .harness import IN_PROGRESS, RESULT, Talk, function, made, session

SESSIONS = 20
CALLS = 100
"""For each session."""


class Crowd:
    """One session's calls: made, answered, given up and cut off at random. Counts what each came to."""

    def __init__(self, seed: int, stretch: float) -> None:
        self.stretch = stretch
        self.random = random.Random(seed)  # noqa: S311 - repeatable is what it has to be
        self.outcomes: Counter[str] = Counter()
        self.handled: Counter[str] = Counter()
        self.answering: set[asyncio.Task[Any]] = set()
        timeouts = {f"f{number}": stretch * number / 1000 for number in (5, 20, 100, 1000, 5000)}
        self.functions = [function(n, result={"type": "integer"}, timeout=t) for n, t in timeouts.items()]

    async def pause(self, most_ms: float = 15) -> None:
        await asyncio.sleep(self.stretch * self.random.random() * most_ms / 1000)

    async def run(self) -> RTVIProcessor:
        version = self.random.choice([None, "1.1.0", "1.2.0", "2.1.0"])
        async with session(made(*self.functions), version=version) as client:
            self.client = client
            client.receive = self.listening(client.receive)  # type: ignore[method-assign]
            client.port._deliver = client.receive
            calls = [asyncio.create_task(self.call(number)) for number in range(CALLS)]
            if self.random.random() < 0.5:
                await asyncio.wait(calls)
            else:
                await self.pause(600)  # and leave in the middle of it
        await asyncio.wait(calls)
        await asyncio.gather(*calls, *self.answering)
        frames = [frame for frame in client.port.frames if isinstance(frame, FunctionCallResultFrame)]
        assert Counter(frame.tool_call_id for frame in frames) == self.handled
        assert set(self.handled.values()) <= {1}
        return client.processor

    # The client.
    def listening(self, receive: Any) -> Any:
        def listen(message: Any) -> None:
            receive(message)
            if message["type"] in (IN_PROGRESS, "llm-function-call"):
                task = asyncio.create_task(self.answer(message["data"]))
                self.answering.add(task)
                task.add_done_callback(self.answering.discard)

        return listen

    async def answer(self, data: dict[str, Any]) -> None:
        """Answer well, badly, late, twice or not at all."""
        way = self.random.choice(["well", "well", "badly", "twice", "never", "other-id", "other-name"])
        await self.pause()
        given = {"function_name": data["function_name"], "tool_call_id": data["tool_call_id"], "result": 7}
        if way == "badly":
            given["result"] = "seven"
        elif way == "other-id":
            given["tool_call_id"] = "nobody"
        elif way == "other-name":
            given["function_name"] = "nothing"
        for _ in range({"never": 0, "twice": 2}.get(way, 1)):
            if not self.client._is_closed:
                await self.client.send(RESULT, given)

    # The bot.
    async def call(self, number: int) -> None:
        await self.pause(400)
        name = self.random.choice(self.functions).name
        kind = self.random.random()
        if kind < 0.4:
            await self.call_function(name)
        elif kind < 0.8:
            await self.handle(name, f"c{number}")
        else:
            await self.job()

    async def call_function(self, name: str) -> None:
        calling = asyncio.ensure_future(self.client.processor.call_function(name))
        if self.random.random() < 0.3 or name == "f5000":
            await asyncio.wait([calling], timeout=self.stretch * self.random.random() / 50)
            calling.cancel()
        try:
            assert await calling == 7
            self.outcomes["result"] += 1
        except ActionError as error:
            self.outcomes[error.code] += 1
        except asyncio.CancelledError:
            self.outcomes["caller cancelled"] += 1

    async def handle(self, name: str, tool_call_id: str) -> None:
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def take(result: Any) -> None:
            await self.pause(1)
            told.set_result(result)

        self.handled[tool_call_id] += 1
        callback = self.random.choice([take, told.set_result])
        if name == "f5000":
            name = "f20"  # nobody cancels these
        await self.client.processor.handle_function_call(name, tool_call_id, {}, result_callback=callback)
        result = await told
        await asyncio.sleep(0)  # the frame follows the callback
        self.outcomes["frame" if result == 7 else "failed frame"] += 1

    async def job(self) -> None:
        """Run a group of two, which one side or the other may cancel, or its deadline."""
        deadline = self.stretch * self.random.choice([0.005, 0.05, 1])
        try:
            group = self.client.processor.job_group(
                workers={"one": self.work, "two": self.work},
                deadline=deadline,
                cancellable=self.random.random() < 0.8,
            )
        except ActionError:
            self.outcomes["no job"] += 1
            return
        way = self.random.choice(["bot", "client", "nobody", "nobody"])
        await self.pause()
        if way == "bot":
            group.cancel()
        elif way == "client" and not self.client._is_closed:
            await self.client.send("ui-cancel-job-group", {"job_id": group.id})
        results = await group
        assert results.keys() == {"one", "two"}
        self.outcomes[f"job {max(result.status for result in results.values())}"] += 1

    async def work(self, job: Job) -> Any:
        for _ in range(3):
            await job.update({"at": self.random.random()})
            await self.pause()
        if self.random.random() < 0.1:
            raise ActionError("No")
        return 7


def count_left() -> Counter[str]:
    """How many objects of the kinds that could be left behind are alive."""
    gc.collect()
    kinds = (FunctionCall, JobGroup, Request, RTVIProcessor, Talk, asyncio.Future, asyncio.Task)
    return Counter(kind.__name__ for thing in gc.get_objects() for kind in kinds if isinstance(thing, kind))


def timers() -> list[asyncio.TimerHandle]:
    """The timers of the running loop that will still go off."""
    loop: Any = asyncio.get_running_loop()
    return [handle for handle in loop._scheduled if not handle.cancelled()]


@pytest.mark.standalone("sessions in pipelines are counted in tests/pipecat/test_faults.py")
@pytest.mark.parametrize("seed", [1, 2])
async def test_two_thousand_function_calls_and_jobs_leave_nothing_behind(seed: int) -> None:
    before = count_left()
    stretch = 2 * slowness()
    crowds = [Crowd(seed * 1000 + number, stretch) for number in range(SESSIONS)]
    async with asyncio.timeout(4 * HANG_S):
        processors = await asyncio.gather(*(crowd.run() for crowd in crowds))
    outcomes = sum((crowd.outcomes for crowd in crowds), Counter[str]())
    assert outcomes.total() == SESSIONS * CALLS
    assert outcomes.keys() >= {
        "result", "frame", "failed frame", "timeout", "invalid-result", "cancelled", "caller cancelled",
        "job completed", "job cancelled", "job failed", "job error",
    }  # fmt: skip
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert timers() == []
    del crowds, processors
    await asyncio.sleep(0)  # this task's last wake-up knows what `gather` gave
    assert count_left() == before
