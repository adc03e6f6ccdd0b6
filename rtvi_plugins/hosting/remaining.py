"""What plugin code still runs: names for the log, found in the tasks and threads themselves, whatever started them."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from sys import _current_frames  # documented, in spite of its name
from types import CodeType, FrameType
from typing import Any, Final

_OURS: Final = frozenset({"rtvi_plugins", "__main__"})
_LIBRARIES: Final = frozenset(
    {
        "anyio", "click", "fastapi", "loguru", "pipecat", "starlette", "typer", "uvicorn", "uvloop", "wait_for2",
        "watchfiles",
    }
)  # fmt: skip
"""What runs on its own account beside plugin code."""
MOST: Final = 10
"""Names that a line of the log holds."""


def in_words(names: Iterable[str]) -> str:
    """Return names for a line of the log, each once, with how often; empty when there are none."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    told = [name if count == 1 else f"{name} ×{count}" for name, count in counts.items()]  # noqa: RUF001 - times
    more = f", and {len(told) - MOST} more" if len(told) > MOST else ""
    return ", ".join(told[:MOST]) + more


def of_loop(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Return the names of the handlers that run in an event loop, in threads, or hold the main thread up."""
    return [*of_tasks(asyncio.all_tasks(loop)), *of_threads()]


def of_threads(named: str = "") -> list[str]:
    """Return the names of the handlers that run in threads, the main one among them.

    named: how the names of the threads begin that are looked at.
    """
    frames = _current_frames()
    others = [t for t in threading.enumerate() if t is not threading.current_thread() and t.ident in frames]
    threads = [t for t in others if t.name.startswith(named)]
    return [name for t in threads for name in _first_of_plugin(_outermost_first(frames[t.ident or 0]))]


def of_tasks(tasks: Iterable[asyncio.Task[Any]]) -> list[str]:
    """Return the names of the handlers in which tasks wait."""
    return [name for task in tasks if not task.done() for name in _first_of_plugin(_waiting(task.get_coro()))]


def _first_of_plugin(calls: Iterable[tuple[CodeType, str]]) -> list[str]:
    """Return where the plugin begins: the handler that was called, not what it called itself."""
    for code, module in calls:
        root = module.partition(".")[0]
        if root not in _OURS and root not in _LIBRARIES and root not in sys.stdlib_module_names:
            return [f"{code.co_qualname} ({Path(code.co_filename).name}:{code.co_firstlineno})"]
    return []


def _outermost_first(frame: FrameType | None) -> list[tuple[CodeType, str]]:
    found: list[tuple[CodeType, str]] = []
    while frame is not None:
        found.append((frame.f_code, frame.f_globals.get("__name__", "")))
        frame = frame.f_back
    return found[::-1]


def _is_suspended(value: Any) -> bool:
    return inspect.iscoroutine(value) or inspect.isgenerator(value)


def _waiting(awaited: Any) -> Iterator[tuple[CodeType, str]]:
    """Give the calls in which a task waits, the outermost first."""
    while awaited is not None:
        if inspect.iscoroutine(awaited):
            frame, inner = awaited.cr_frame, awaited.cr_await
        elif inspect.isgenerator(awaited):
            frame, inner = awaited.gi_frame, awaited.gi_yieldfrom
        elif inspect.isasyncgen(awaited):
            frame, inner = awaited.ag_frame, awaited.ag_await
        else:
            return
        if frame is not None:
            yield frame.f_code, frame.f_globals.get("__name__", "")
            if type(inner).__name__ in ("async_generator_asend", "async_generator_athrow"):
                # It does not say whose step it is; the generator stands in a variable.
                inner = next((value for value in frame.f_locals.values() if inspect.isasyncgen(value)), None)
            elif inner is None and inspect.isgenerator(awaited):
                # What is left of a coroutine (`processor.stepping`), before its next step.
                inner = next((value for value in frame.f_locals.values() if _is_suspended(value)), None)
        awaited = inner
