"""Running a coroutine in the caller's task, and hearing at once when it is held up.

Most requests are answered without waiting for anything. They need no task and no timer of their own; only one that is
held up does. `until_suspended` makes the difference visible at the moment it arises.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any


@types.coroutine
def until_suspended(coroutine: Coroutine[Any, Any, Any], on_suspension: Callable[[], None]) -> Generator[Any, Any, Any]:
    """Await `coroutine`; call `on_suspension` once, in the same task, when it first has to wait.

    Raises what the coroutine raises. The coroutine runs in the current task from its first step to its last, so
    `asyncio.timeout`, task groups and cancellation work in it as usual.
    """
    try:
        awaited = coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    on_suspension()
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
