"""The threads in which plain `def` handlers run: shared by the process, with a share for each session.

A thread cannot be stopped. A call that was given up, because its time was over or its session ended, counts for as
long as its thread runs; a session all of whose threads are of that kind is refused more with `busy`. The threads are
daemons: one that never ends does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from rtvi_plugins.errors import ActionError

logger = logging.getLogger(__name__)

BUSY: Final = "busy"
"""As `requests.Code.BUSY`."""


THREAD_NAME: Final = "rtvi-handler"
"""How the names of the threads begin in which handlers run."""


class ThreadShare:
    """What one session has of the threads.

    name:      of the session, for the log.
    limit:     calls of the session that run at once.
    total:     calls that run at once in the process for one of this session to begin.
    running:   how many of its calls have a thread; abandoned: how many of these were given up.
    """

    __slots__ = ("abandoned", "limit", "name", "running", "total")

    def __init__(self, name: str, limit: int, total: int) -> None:
        self.name = name
        self.limit = limit
        self.total = total
        self.running = 0
        self.abandoned = 0


class _Call:
    """One call of a function: where it waits, what runs it, and who wants to know."""

    __slots__ = ("future", "is_abandoned", "is_done", "is_running", "loop", "run", "share")

    def __init__(self, share: ThreadShare, run: Callable[[], Any]) -> None:
        self.share = share
        self.run: Callable[[], Any] | None = run
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.is_running = self.is_done = self.is_abandoned = False

    def settle(self, result: Any, error: BaseException | None) -> None:
        """Hand the outcome to the event loop."""
        try:
            self.loop.call_soon_threadsafe(self._set, result, error)
        except RuntimeError:
            logger.debug("session %s: a function ended after its event loop", self.share.name)

    def _set(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class HandlerThreads:
    """Runs functions in threads, made as they are needed.

    What finds no free thread waits in order. Among sessions, the one with the fewest calls running comes first; a
    quarter of the threads is for sessions that have none running.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._waiting: dict[ThreadShare, deque[_Call]] = {}
        self._threads = 0
        self._running = 0
        self._abandoned = 0

    async def run(self, function: Callable[..., Any], processor: Any, *args: Any, **kwargs: Any) -> Any:
        """Run it in a thread, with the caller's context variables; await what it returns if that is awaitable.

        processor: the function's first argument, of whose session the thread is.
        Raises ActionError with the code `busy` when there is no thread to wait for, and what the function raises.
        """
        called = functools.partial(_call, function, processor, *args, **kwargs)
        call = _Call(processor.thread_share, functools.partial(contextvars.copy_context().run, called))
        self._take(call)
        try:
            result = await call.future
        except asyncio.CancelledError:
            self._give_up(call)
            raise
        return await result if inspect.isawaitable(result) else result

    # -- bookkeeping, in whichever thread ------------------------------------------------------------------------------

    def _take(self, call: _Call) -> None:
        """Begin a call, or let it wait. Raises ActionError."""
        share = call.share
        with self._lock:
            if share.abandoned >= share.limit:
                raise ActionError(f"{share.abandoned} earlier requests still run after their time", code=BUSY)
            if self._abandoned >= share.total:
                raise ActionError("The server has no thread left", code=BUSY)
            if share not in self._waiting and self._has_room(share):
                self._begin(call)
            else:
                self._waiting.setdefault(share, deque()).append(call)

    def _has_room(self, share: ThreadShare) -> bool:
        reserved = share.total // 4 if share.running else 0
        return share.running < share.limit and self._running < share.total - reserved

    def _begin(self, call: _Call) -> None:
        """Give a call its thread. Raises ActionError when the system has none."""
        if self._threads <= self._running:
            thread = threading.Thread(target=self._serve, name=f"{THREAD_NAME}-{self._threads}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                logger.error("no thread can be started: %s", error)  # noqa: TRY400 - there is no fault in our code
                raise ActionError("The server has no thread left", code=BUSY) from None
            self._threads += 1
        call.is_running = True
        call.share.running += 1
        self._running += 1
        self._begun.put(call)

    def _give_up(self, call: _Call) -> None:
        share = call.share
        with self._lock:
            if call.is_done:
                return  # the function itself raised CancelledError
            call.is_abandoned = True
            if not call.is_running:
                waiting = self._waiting[share]
                waiting.remove(call)
                if not waiting:
                    del self._waiting[share]
                return
            share.abandoned += 1
            self._abandoned += 1
            is_full = share.abandoned == share.limit
        if is_full:
            text = "session %s: %d plain 'def' handlers that were given up still run; more of its calls are refused"
            logger.warning(text, share.name, share.limit)

    def _end(self, call: _Call) -> None:
        """Take a call's thread back, and let the next ones begin."""
        share = call.share
        with self._lock:
            call.is_done = True
            share.running -= 1
            self._running -= 1
            if call.is_abandoned:
                share.abandoned -= 1
                self._abandoned -= 1
            while (following := self._next()) is not None:
                try:
                    self._begin(following)
                except ActionError as error:
                    following.is_done = True
                    following.settle(None, error)

    def _next(self) -> _Call | None:
        ready = [share for share in self._waiting if self._has_room(share)]
        if not ready:
            return None
        share = min(ready, key=lambda one: one.running)
        waiting = self._waiting.pop(share)
        call = waiting.popleft()
        if waiting:
            self._waiting[share] = waiting  # behind the others
        return call

    def _serve(self) -> None:
        """Run one call after the other; what each thread does."""
        while True:
            call = self._begun.get()
            run, call.run = call.run, None
            result: Any = None
            error: BaseException | None = None
            if run is not None and not call.is_abandoned:
                try:
                    result = run()
                except BaseException as raised:  # noqa: BLE001 - whoever waits is told; the thread is for others, too
                    error = raised
            self._end(call)
            call.settle(result, error)
            del call, run, result, error  # nothing is kept until the next call


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except (StopIteration, GeneratorExit) as error:  # these mean something else to the coroutine that waits
        raise RuntimeError(f"a handler raised {type(error).__name__}") from error


THREADS: Final = HandlerThreads()
"""Those of the process."""
