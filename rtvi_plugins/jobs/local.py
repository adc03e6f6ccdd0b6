"""Jobs as tasks of the running event loop. They end with the process; nothing is stored outside it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

from rtvi_plugins.errors import ActionError
from rtvi_plugins.interrupts import contained
from rtvi_plugins.jobs.base import (
    INVALID_RESULT,
    STOPPED,
    DuplicateJobError,
    Event,
    EventKind,
    ExecutorClosedError,
    InvalidResultError,
    Job,
    JobFunction,
    Status,
    UnknownFunctionError,
    UnknownJobError,
    ending,
    epoch_ms,
    json_copy,
    timed_out,
)
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import NotJSONError

logger = logging.getLogger(__name__)

_UNINTERRUPTED_S: Final = 0.001
"""How long a job may report without letting other tasks run."""


MAX_UPDATE_BYTES: Final = 1024 * 1024
"""Bytes of JSON in the updates that are kept of one job; one alone may be larger."""
_LARGE: Final = 1024
"""Bytes of an update; smaller ones are bounded by their number alone."""


def size_of(data: Any) -> int:
    """Return the bytes of an update as JSON."""
    return len(wire.encode(data)) if isinstance(data, dict | list | str) else 0


class _Record:
    """One job: its stream, its task, and what was asked of it.

    updates: the newest ones; older ones made room. call: function and a digest of its arguments, to tell a repeat from
             another call.
    """

    __slots__ = (
        "call", "changed", "cursor", "deadline", "ended", "is_cancelled", "is_expired", "is_forgotten", "key",
        "last_at", "sizes", "started", "task", "timer", "updates",
    )  # fmt: skip

    def __init__(self, key: str, call: tuple[str, bytes], deadline: float | None, max_updates: int, at: int) -> None:
        self.key = key
        self.call = call
        self.deadline = deadline
        self.cursor = 0
        self.last_at = 0
        self.updates: deque[Event] = deque(maxlen=max_updates)
        self.sizes: deque[int] = deque()
        self.ended: Event | None = None
        self.changed = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.is_cancelled = False
        self.is_expired = False
        self.is_forgotten = False
        self.started = self.next_event(EventKind.STARTED, at)

    def next_event(self, kind: EventKind, at: int, data: Any = None, status: Status | None = None) -> Event:
        self.cursor += 1
        self.last_at = max(self.last_at, at)
        return Event(self.cursor, kind, self.last_at, data, status)

    def add(self, update: Event, size: int) -> None:
        """Keep an update; the oldest ones make room for it."""
        if len(self.updates) == self.updates.maxlen:
            self.updates.popleft()
            self.sizes.popleft()
        self.updates.append(update)
        self.sizes.append(size)
        if size > _LARGE:
            while len(self.sizes) > 1 and sum(self.sizes) > MAX_UPDATE_BYTES:
                self.updates.popleft()
                self.sizes.popleft()

    def wake_readers(self) -> None:
        self.changed.set()
        self.changed.clear()

    def after(self, cursor: int) -> list[Event]:
        """Give the kept events behind a cursor. Walks from the newest back, because readers are mostly up to date."""
        found: list[Event] = [] if self.ended is None or self.ended.cursor <= cursor else [self.ended]
        for event in reversed(self.updates):
            if event.cursor <= cursor:
                break
            found.append(event)
        if self.started.cursor > cursor:
            found.append(self.started)
        found.reverse()
        return found

    def stop_clock(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class LocalJob:
    """The job its function gets; see `rtvi_plugins.jobs.base.Job`."""

    __slots__ = ("_clock", "_record", "_yielded_at")

    def __init__(self, record: _Record, clock: Callable[[], int]) -> None:
        self._record = record
        self._clock = clock
        self._yielded_at = float("-inf")

    def __repr__(self) -> str:
        return f"LocalJob({self.key!r})"

    @property
    def key(self) -> str:
        """Its identity in the executor."""
        return self._record.key

    @property
    def id(self) -> str:
        """The id clients know it by."""
        return self._record.key.partition("/")[0]

    @property
    def cancelled(self) -> bool:
        """Whether it should stop."""
        return self._record.is_cancelled or self._record.is_expired

    async def update(self, data: Any) -> None:
        """Report progress. Raises NotJSONError."""
        data = json_copy(data)
        record = self._record
        if record.ended is None and not self.cancelled:
            record.add(record.next_event(EventKind.UPDATE, self._clock(), data), size_of(data))
            record.wake_readers()
        if time.monotonic() - self._yielded_at >= _UNINTERRUPTED_S:
            await asyncio.sleep(0)
            self._yielded_at = time.monotonic()


class LocalExecutor:
    """Runs jobs as asyncio tasks of one event loop.

    max_updates: updates kept of each job; older ones make room for newer.
    keep:        seconds the stream of an ended job can still be read; max_kept: at most of so many jobs.
    grace:       seconds a job may take to stop after its deadline, or in `aclose`, before it is given up.
    clock:       gives epoch milliseconds.
    """

    def __init__(
        self,
        *,
        max_updates: int = 256,
        keep: float = 60.0,
        max_kept: int = 1024,
        grace: float = 5.0,
        clock: Callable[[], int] = epoch_ms,
    ) -> None:
        self._max_updates = max_updates
        self._keep = keep
        self._max_kept = max_kept
        self._grace = grace
        self._clock = clock
        self._functions: dict[str, JobFunction] = {}
        self._records: dict[str, _Record] = {}
        self._kept: OrderedDict[str, float] = OrderedDict()
        self._given_up: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        """How many jobs it knows, running or kept."""
        return len(self._records)

    def register(self, name: str, function: JobFunction) -> None:
        """Let `start` run a function. Raises ValueError when the name is taken by another one."""
        if self._functions.setdefault(name, function) is not function:
            raise ValueError(f"a function is registered as {name!r} already")

    def unregister(self, name: str) -> None:
        """Forget a function; its running jobs go on."""
        self._functions.pop(name, None)

    async def start(self, key: str, name: str, arguments: Any = None, *, deadline: float | None = None) -> bool:
        """Start a job, or attach to the one of that key; see `Executor.start`."""
        if self._is_closed:
            raise ExecutorClosedError("the executor is closed")
        self._drop_old()
        arguments = json_copy(arguments)
        call = (name, hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).digest())
        known = self._records.get(key)
        if known is not None:
            if known.call != call:
                raise DuplicateJobError(f"job {key!r} is another call")
            return False
        function = self._functions.get(name)
        if function is None:
            raise UnknownFunctionError(f"no function is registered as {name!r}")
        record = self._records[key] = _Record(key, call, deadline, self._max_updates, self._clock())
        loop = asyncio.get_running_loop()
        record.task = loop.create_task(_run(function, LocalJob(record, self._clock), arguments), name=f"job {key}")
        record.task.add_done_callback(lambda task: self._on_done(record, task))
        if deadline is not None:
            record.timer = loop.call_later(deadline, self._expire, record)
        return True

    async def events(self, key: str, *, after: int = 0) -> AsyncGenerator[Event, None]:
        """Give the events behind a cursor; see `Executor.events`."""
        self._drop_old()
        record = self._records.get(key)
        if record is None:
            raise UnknownJobError(f"no job {key!r}")
        while True:
            for event in record.after(after):
                after = event.cursor
                yield event
            if record.ended is not None and record.ended.cursor <= after:
                return
            if record.cursor <= after:
                await record.changed.wait()

    async def cancel(self, key: str) -> bool:
        """Ask a job to stop; see `Executor.cancel`."""
        record = self._records.get(key)
        return record is not None and self._ask_to_stop(record)

    async def forget(self, key: str) -> None:
        """Drop what is kept of a job, at once or when it has ended."""
        record = self._records.get(key)
        if record is not None:
            record.is_forgotten = True
            if record.ended is not None:
                self._drop(key)

    async def aclose(self) -> None:
        """Cancel every job, wait until they have stopped, drop everything."""
        self._is_closed = True
        running = [record for record in self._records.values() if record.ended is None]
        for record in running:
            self._ask_to_stop(record)
        tasks = {record.task for record in running if record.task is not None} | self._given_up
        tasks -= {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=self._grace)
        for record in running:
            if record.ended is None and record.task is not asyncio.current_task():
                self._give_up(record)
        self._records.clear()
        self._kept.clear()
        self._functions.clear()

    # -- the end of a job ---------------------------------------------------------------------------------------------

    def _ask_to_stop(self, record: _Record) -> bool:
        """Cancel a job's task, the first time it is asked: a second cancellation would disturb its clean-up."""
        if record.ended is not None or record.task is None or record.task.done():
            return False
        if not record.is_cancelled and not record.is_expired:
            record.is_cancelled = True
            record.task.cancel()
        return True

    def _expire(self, record: _Record) -> None:
        """End a job at its deadline; one that was cancelled before and has not stopped is cancelled again."""
        if record.ended is None and record.task is not None:
            record.is_expired = not record.is_cancelled
            record.task.cancel()
            record.timer = asyncio.get_running_loop().call_later(self._grace, self._give_up, record)

    def _give_up(self, record: _Record) -> None:
        """Report the end of a job that will not stop; whatever it does from now on is dropped."""
        if record.ended is None and record.task is not None and not record.task.done():
            logger.error("job %s does not stop; it is given up", record.key)
            self._given_up.add(record.task)
            self._end(record, Status.ERROR, timed_out(record.deadline if record.is_expired else None))

    def _on_done(self, record: _Record, task: asyncio.Task[Any]) -> None:
        self._given_up.discard(task)
        error = None if task.cancelled() else task.exception()
        if record.ended is not None:
            return
        if error is not None and not isinstance(error, (ActionError, InvalidResultError)):
            logger.error("job %s failed", record.key, exc_info=error)
        self._end(record, *_outcome(record, task, error))

    def _end(self, record: _Record, status: Status, response: Any) -> None:
        record.stop_clock()
        record.ended = record.next_event(EventKind.ENDED, self._clock(), response, status)
        record.wake_readers()
        if record.is_forgotten:
            self._drop(record.key)
        elif record.key in self._records:
            self._kept[record.key] = time.monotonic()
            self._drop_old()

    def _drop_old(self) -> None:
        limit = time.monotonic() - self._keep
        while self._kept and (len(self._kept) > self._max_kept or next(iter(self._kept.values())) < limit):
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        self._records.pop(key, None)
        self._kept.pop(key, None)


async def _run(function: JobFunction, job: Job, arguments: Any) -> Any:
    response = await contained(_call(function, job, arguments))
    try:
        return json_copy(response)  # at once: in the next turn of the loop its owner may change it
    except NotJSONError as error:
        logger.error("job %s returned what is not JSON: %s", job.key, error)  # noqa: TRY400 - no traceback to show
        raise InvalidResultError(INVALID_RESULT) from error


async def _call(function: JobFunction, job: Job, arguments: Any) -> Any:
    return await function(job, arguments)  # here: it may raise before there is anything to await


def _outcome(record: _Record, task: asyncio.Task[Any], error: BaseException | None) -> tuple[Status, Any]:
    """Tell how a job ended from what was asked of it and what its task came to."""
    if record.is_cancelled:
        return Status.CANCELLED, None
    if record.is_expired:
        return Status.ERROR, timed_out(record.deadline)
    if task.cancelled():
        return Status.ERROR, {"error": STOPPED}
    if error is not None:
        return ending(error)
    return Status.COMPLETED, task.result()
