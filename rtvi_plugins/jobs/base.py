"""What an executor is: jobs started by name, each with an ordered stream of events that can be read again.

A job is started by a key that is its identity, the name of a registered function, and arguments that are JSON, so that
an executor may run it in another process. What happens to it is a stream: `started`, any number of `update`, one
`ended`. Whoever lost the stream reads on from the last cursor it saw. `rtvi_plugins.testing.executor_conformance` holds
any executor to what is promised here.

    JobError
    ├── UnknownFunctionError    nobody registered the name
    ├── UnknownJobError         no job of that key, or no longer
    ├── DuplicateJobError       the key belongs to another call
    ├── ExecutorClosedError     the executor takes no more jobs
    └── InvalidResultError      a function's result is not JSON, or not what was declared
"""

from __future__ import annotations

import enum
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rtvi_plugins.errors import ActionError, RTVIPluginsError
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import NotJSONError

FAILED: Final = "The job failed"
STOPPED: Final = "The job was stopped"
INVALID_RESULT: Final = "The job returned an invalid result"


class JobError(RTVIPluginsError):
    """Base of what executors raise."""


class UnknownFunctionError(JobError):
    """No function is registered under that name."""


class UnknownJobError(JobError):
    """There is no job of that key: never started, forgotten, or ended too long ago."""


class DuplicateJobError(JobError):
    """The key is taken by a job with another function or other arguments."""


class ExecutorClosedError(JobError):
    """The executor was closed and takes no more jobs."""


class InvalidResultError(JobError):
    """A function returned what it must not; its text is for clients."""


class Status(enum.StrEnum):
    """How a job ended; the words of `job_completed` (rtvi-protocol 6.5)."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The function refused, with an ActionError."""
    ERROR = "error"
    """Anything unexpected: an exception, an invalid result, the deadline, a crash."""


class EventKind(enum.StrEnum):
    """What an event tells."""

    STARTED = "started"
    UPDATE = "update"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a job's stream. Treat `data` as read-only.

    cursor: grows along the stream; where updates were dropped there are gaps.
    at:     epoch milliseconds, never less than in the event before.
    data:   the progress of an update; the response of an end, None when cancelled.
    status: how the job ended; None for other kinds.
    """

    cursor: int
    kind: EventKind
    at: int
    data: Any = None
    status: Status | None = None


class Job(Protocol):
    """A running job, as its function sees it."""

    @property
    def key(self) -> str:
        """Its identity in the executor: `group/worker`, or any text."""
        ...

    @property
    def id(self) -> str:
        """The id clients know it by: the key up to its first `/`."""
        ...

    @property
    def cancelled(self) -> bool:
        """Whether it should stop: it was cancelled, or its deadline passed. May be read from any thread."""
        ...

    async def update(self, data: Any) -> None:
        """Report progress, any JSON value; it is copied. Once the job should stop, it is checked and dropped.

        Lets other tasks run, so that a loop of updates blocks nobody. Raises NotJSONError, having reported nothing.
        """
        ...


JobFunction = Callable[[Job, Any], Awaitable[Any]]
"""`async (job, arguments) -> response`. Raise ActionError to fail with a text for the client."""


class Executor(Protocol):
    """What runs jobs.

    Promises of every executor: the events of a job are in order and end with exactly one `ended`, whatever happens to
    the function; nothing of a job is reported after that. A reader that is slower than the updates may miss older ones,
    never the newest, nor the end.
    """

    def register(self, name: str, function: JobFunction) -> None:
        """Let `start` run a function of this process. Raises ValueError when the name is taken by another one."""
        ...

    def unregister(self, name: str) -> None:
        """Forget a function; its running jobs go on. Nothing happens when the name is not known."""
        ...

    async def start(self, key: str, name: str, arguments: Any = None, *, deadline: float | None = None) -> bool:
        """Start a job, or attach to the one of that key.

        arguments: any JSON value; it is copied.
        deadline:  seconds after which the job is cancelled and ends as `error`; None: no bound.

        Returns True when the job was started, False when the same call (name and arguments) has this key already,
        running or ended: it does not run again, its events are there to be read.
        Raises DuplicateJobError when another call has the key, UnknownFunctionError, ExecutorClosedError, NotJSONError.
        """
        ...

    def events(self, key: str, *, after: int = 0) -> AsyncGenerator[Event, None]:
        """Give the events behind a cursor, what is kept first and then as they come, up to and with `ended`.

        Any number of readers may do so at once, also after the end. Raises UnknownJobError at the first step.
        """
        ...

    async def cancel(self, key: str) -> bool:
        """Ask a job to stop. True when it was asked, False when it has ended or is not known.

        Once asked, it ends as `cancelled`, however its function takes it, and only when that has really stopped; should
        it go on beyond the deadline, it is given up and ends as `error`. A job whose function has not begun never does.
        """
        ...

    async def forget(self, key: str) -> None:
        """Drop what is kept of a job: at once when it has ended, else as soon as it has."""
        ...

    async def aclose(self) -> None:
        """Cancel every job, wait until they have stopped, drop everything. May be called more than once."""
        ...


def ending(error: BaseException) -> tuple[Status, Any]:
    """Give status and response of a job whose function raised: what clients may know, and no more."""
    if isinstance(error, ActionError):
        return Status.FAILED, {"error": str(error.text)}
    return Status.ERROR, {"error": str(error) if isinstance(error, InvalidResultError) else FAILED}


def timed_out(deadline: float | None) -> dict[str, str]:
    """Give the response of a job that its deadline ended; None: of one that was given up without."""
    return {"error": "The job did not stop" if deadline is None else f"Timed out after {deadline:g} s"}


def json_copy(value: Any) -> Any:
    """Copy a JSON value, so that its owner may change it further. Raises NotJSONError when it is none."""
    if value is None or value.__class__ in (str, int, bool):
        return value
    text = wire.encode(value)
    try:
        return json.loads(text)  # unlike orjson it keeps integers beyond 64 bits
    except (ValueError, RecursionError) as error:
        raise NotJSONError(str(error)) from error


def epoch_ms() -> int:
    """Give the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
