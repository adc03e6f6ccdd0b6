"""Running a coroutine in the caller's task, and hearing at once when it is held up.

Most requests are answered without waiting for anything. They need no task and no timer of their own; only one that is
held up does. `begin` makes the difference visible at the moment it arises.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any


def is_from_outside() -> bool:
    """Whether the CancelledError at hand was meant for this task, not raised by the handler itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def begin(coroutine: Coroutine[Any, Any, Any]) -> Awaitable[Any] | None:
    """Run a coroutine in the current task up to where it first has to wait.

    Returns what is left of it, for the same task to await; None when it is done, its result dropped.
    Raises what the coroutine raises. It runs in one task from its first step to its last, so `asyncio.timeout`, task
    groups and cancellation work in it as usual.
    """
    # A plain call: a generator around the coroutine would cost every message a frame, about 0.3 us.
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return None
    return _rest(coroutine, awaited)


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Await what a coroutine awaits, and then the coroutine to its end."""
    while True:
        try:
            sent = yield awaited
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:  # noqa: BLE001 - thrown in by the task (cancellation): it is the coroutine's
            try:
                awaited = coroutine.throw(error)
            except StopIteration as stop:
                return stop.value
        else:
            try:
                awaited = coroutine.send(sent)
            except StopIteration as stop:
                return stop.value
