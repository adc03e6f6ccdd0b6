"""A job group: one or several jobs that a client sees begin, report and end together. Source: rtvi-protocol 6.5.

A group reports through a function that takes the `data` of `ui-job-group` and knows neither the session nor the wire
around it. Each worker is one job of the executor, with the key `group/worker`, and is followed by one task here. The
worker's function is a closure, so it is registered under that key for as long as it runs.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.jobs.base import (
    FAILED,
    STOPPED,
    Event,
    EventKind,
    Executor,
    Job,
    JobError,
    JobFunction,
    Status,
    epoch_ms,
)
from rtvi_plugins.jobs.pacing import Pacer

logger = logging.getLogger(__name__)

Worker = Callable[[Job], Awaitable[Any]]
"""`async (job) -> response`."""
Data = dict[str, Any]
"""`data` of one `ui-job-group` message."""
T = TypeVar("T")
Gate: TypeAlias = AbstractAsyncContextManager[Any, Any]


@dataclass(frozen=True, slots=True)
class JobResult:
    """How one worker ended. `response` is what it returned, `{"error": text}` when it failed, None when cancelled."""

    status: Status
    response: Any = None


_CANCELLED: Final = JobResult(Status.CANCELLED)


class JobGroup:
    """Jobs that are shown to the client as one.

    id:          what clients know it by; hard to guess and unique everywhere.
    workers:     the names of its workers, in the order they were given.
    label:       what it is called on a screen, or None.
    cancellable: whether clients may cancel it, and whether it is cancelled when the client leaves.
    is_detached: whether it goes on when the client leaves all the same.

    `await group` waits for its end and gives `results()`.
    """

    def __init__(
        self,
        executor: Executor,
        workers: Mapping[str, JobFunction],
        *,
        report: Callable[[Data], None],
        pacer: Pacer,
        on_end: Callable[[JobGroup], None],
        arguments: Any = None,
        label: str | None = None,
        cancellable: bool = True,
        is_detached: bool = False,
        deadline: float | None = None,
        gate: Gate | None = None,
        clock: Callable[[], int] = epoch_ms,
    ) -> None:
        """Make a group; `begin` starts it. `gate` is held from before a worker starts until it has ended."""
        self.id = uuid.uuid4().hex
        self.workers = tuple(workers)
        self.label = label
        self.cancellable = cancellable
        self.is_detached = is_detached
        self._executor = executor
        self._functions = dict(workers)
        self._report = report
        self._pacer = pacer
        self._on_end = on_end
        self._arguments = arguments
        self._deadline = deadline
        self._gate = gate
        self._clock = clock
        self._last_at = 0
        self._is_cancelled = False
        self._running: set[str] = set()
        self._at_gate: set[asyncio.Task[Any]] = set()
        self._results: dict[str, JobResult] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._done = asyncio.Event()

    def __repr__(self) -> str:
        return f"JobGroup({self.id}: {', '.join(self.workers)})"

    def __await__(self) -> Generator[Any, None, Mapping[str, JobResult]]:
        yield from self._done.wait().__await__()
        return self.results()

    @property
    def is_done(self) -> bool:
        """Whether every worker has ended."""
        return self._done.is_set()

    @property
    def tasks(self) -> frozenset[asyncio.Task[Any]]:
        """The tasks that follow its workers."""
        return frozenset(self._tasks)

    def results(self) -> Mapping[str, JobResult]:
        """Give worker → result for those that have ended, in the order in which they did; the rest is absent."""
        return MappingProxyType(self._results)

    def begin(self) -> None:
        """Report that it started, then start every worker: in this order, so that no update can come first."""
        started: Data = {"kind": "group_started", "workers": list(self.workers)}
        if self.label:
            started["label"] = self.label
        self._tell(started | {"cancellable": self.cancellable})
        for name, function in self._functions.items():
            self._start(name, function)

    def cancel(self) -> None:
        """Ask every worker that has not ended to stop; each is reported as cancelled once it has.

        For the bot itself: whether the group is `cancellable` is for clients. A second call does nothing.
        """
        if self._is_cancelled or self.is_done:
            return
        self._is_cancelled = True
        for name in self.workers:
            if name not in self._results:
                self._pacer.drop(self._key(name))
        for task in self._at_gate:
            task.cancel()
        self._spawn(self._stop_workers())

    # -- following the workers ----------------------------------------------------------------------------------------

    def _key(self, name: str) -> str:
        return f"{self.id}/{name}"

    def _spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _start(self, name: str, function: JobFunction) -> None:
        self._spawn(self._follow(name, function)).add_done_callback(partial(self._on_followed, name))

    def _on_followed(self, name: str, task: asyncio.Task[JobResult]) -> None:
        """Report a worker's end, also when its follower was cancelled from outside, perhaps before its first step."""
        self._complete(name, JobResult(Status.ERROR, {"error": STOPPED}) if task.cancelled() else task.result())

    async def _stop_workers(self) -> None:
        """Ask the running workers to stop; one that is just being started looks for itself."""
        for name in tuple(self._running):
            try:
                await self._executor.cancel(self._key(name))
            except BaseException as error:
                pass_on(error)
                logger.exception("job %s could not be cancelled", self._key(name))

    async def _follow(self, name: str, function: JobFunction) -> JobResult:
        """Run one worker and give how it ended, whatever goes wrong with the executor."""
        try:
            if self._is_cancelled:
                return _CANCELLED
            if self._gate is None:
                return await self._run(name, function)
            return await self._pass(self._gate, name, function)
        except BaseException as error:
            pass_on(error)
            logger.exception("job %s was lost", self._key(name))
            return JobResult(Status.ERROR, {"error": FAILED})

    async def _pass(self, gate: Gate, name: str, function: JobFunction) -> JobResult:
        """Run a worker once the gate lets it in; a cancelled group does not wait for that."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: coroutines run in tasks
        self._at_gate.add(task)
        try:
            async with gate:
                self._at_gate.discard(task)
                return _CANCELLED if self._is_cancelled else await self._run(name, function)
        except asyncio.CancelledError:
            if self._is_cancelled and task in self._at_gate:
                task.uncancel()
                return _CANCELLED
            raise
        finally:
            self._at_gate.discard(task)

    async def _run(self, name: str, function: JobFunction) -> JobResult:
        executor, key = self._executor, self._key(name)
        executor.register(key, function)
        has_ended = False
        try:
            await executor.start(key, key, self._arguments, deadline=self._deadline)
            self._running.add(name)
            if self._is_cancelled:  # while it was being started
                await executor.cancel(key)
            async with aclosing(executor.events(key)) as events:
                async for event in events:
                    if event.kind is EventKind.ENDED:
                        has_ended = True
                        return JobResult(event.status or Status.ERROR, event.data)
                    if event.kind is EventKind.UPDATE and not self._is_cancelled:
                        self._pacer.offer(key, partial(self._tell_update, name, event))
            raise JobError(f"the events of job {key} ended before the job did")
        finally:
            self._running.discard(name)
            executor.unregister(key)
            if not has_ended:
                await executor.cancel(key)
            await executor.forget(key)

    # -- reporting ----------------------------------------------------------------------------------------------------

    def _tell(self, data: Data) -> None:
        """Report one thing, with the group's id and a time that never goes back."""
        self._last_at = max(self._last_at, self._clock())
        self._report({"kind": data["kind"], "job_id": self.id} | data | {"at": self._last_at})

    def _tell_update(self, name: str, event: Event) -> None:
        self._tell({"kind": "job_update", "worker_name": name, "data": event.data})

    def _complete(self, name: str, result: JobResult) -> None:
        is_cancelled = result.status is Status.CANCELLED
        (self._pacer.drop if is_cancelled else self._pacer.flush)(self._key(name))
        self._results[name] = result
        ended: Data = {"kind": "job_completed", "worker_name": name, "status": str(result.status)}
        self._tell(ended if is_cancelled else ended | {"response": result.response})
        if len(self._results) == len(self.workers):
            self._tell({"kind": "group_completed"})
            self._done.set()
            self._on_end(self)
