"""What the conformance cases of executors check with. What is wrong is raised as ConformanceError."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from itertools import pairwise
from typing import Any

from rtvi_plugins.jobs.base import (
    Event,
    EventKind,
    Executor,
    Job,
    Status,
)


class ConformanceError(AssertionError):
    """The executor does not do what the case says."""


def expect(claim: bool, text: str, *seen: object) -> None:
    """Raise ConformanceError unless the claim holds; `seen` is shown."""
    if not claim:
        raise ConformanceError(f"{text}; seen: {', '.join(map(repr, seen))}" if seen else text)


async def read(executor: Executor, key: str, *, after: int = 0, most: int | None = None) -> list[Event]:
    """Read the events of a job to its end, or `most` of them."""
    found: list[Event] = []
    async with aclosing(executor.events(key, after=after)) as events:
        async for event in events:
            found.append(event)
            if len(found) == most:
                break
    return found


async def end_of(executor: Executor, key: str) -> Event:
    """Wait for the end of a job; check that its stream is well made."""
    events = await read(executor, key)
    kinds = [event.kind for event in events]
    expect(kinds[-1:] == [EventKind.ENDED], "a stream ends with `ended`", kinds)
    expect(kinds.count(EventKind.ENDED) == 1, "there is one `ended`", kinds)
    expect(EventKind.STARTED not in kinds[1:], "`started` comes first, if at all", kinds)
    expect(all(a.cursor < b.cursor for a, b in pairwise(events)), "cursors grow", events)
    expect(all(a.at <= b.at for a, b in pairwise(events)), "`at` never goes back", events)
    expect(events[0].at > 1_500_000_000_000, "`at` is epoch milliseconds", events[0].at)
    return events[-1]


def ended_as(event: Event, status: Status, response: Any = None) -> None:
    """Check status and response of an end."""
    expect(event.status is status, f"the job ends as {status}", event)
    expect(event.data == response, f"the response is {response!r}", event)


def is_error(event: Event, leaked: str = "secret") -> None:
    """Check that an end is an error that tells nothing of the exception, whose text was `leaked`."""
    expect(event.status is Status.ERROR, "the job ends as error", event)
    text = event.data.get("error") if isinstance(event.data, dict) else None
    expect(isinstance(text, str) and 0 < len(text) < 200, "the response is a short {'error': text}", event)
    expect(leaked not in str(text), "the response tells nothing of the exception", event)


async def raises(error: type[BaseException], awaitable: Awaitable[Any]) -> None:
    """Check that awaiting raises an error of that class."""
    try:
        got = await awaitable
    except error:
        return
    raise ConformanceError(f"{error.__name__} is raised; seen: {got!r}")


class Hold:
    """A function that reports that it runs, and waits to be let go; it counts its calls and their ends."""

    def __init__(self) -> None:
        self.running = asyncio.Event()
        self.go = asyncio.Event()
        self.calls = 0
        self.stopped = 0

    async def __call__(self, job: Job, arguments: Any) -> Any:
        """Run as a job; give the arguments back."""
        self.calls += 1
        self.running.set()
        try:
            await job.update("running")
            await self.go.wait()
        finally:
            self.stopped += 1
        return arguments
