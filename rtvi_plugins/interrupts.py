"""Which exceptions that leave plugin code are its own failure, whatever their class, and which concern more than it.

Libraries raise subclasses of `BaseException` for what went wrong (a panic in an extension written in Rust, a
`BaseExceptionGroup`), and handlers raise `KeyboardInterrupt`, `SystemExit` or `GeneratorExit` themselves. Any of them,
passed on, would end the task that it is raised in, and some the event loop: one handler would end everybody's session.
"""

from __future__ import annotations

import asyncio
import dis
import functools
import signal
import types
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_RAISING: Final = frozenset({dis.opmap["RAISE_VARARGS"], dis.opmap["RERAISE"]})


def is_own(error: BaseException) -> bool:
    """Return whether an exception is the failure of the code that it left, to be handled like any other of its.

    It is not when Python put it there: the KeyboardInterrupt of a real signal, the GeneratorExit of a coroutine that is
    thrown away. A CancelledError is taken for the code's own; whoever may be cancelled asks before.
    """
    if isinstance(error, KeyboardInterrupt):
        return not _is_of_signal(error)
    return not isinstance(error, GeneratorExit) or _is_raised(error)


def pass_on(error: BaseException) -> None:
    """Raise an exception again, unless it is the failure of the code that it left: for the end of a task."""
    if isinstance(error, asyncio.CancelledError) or not is_own(error):
        raise error


async def contained(awaitable: Awaitable[T]) -> T:
    """Await plugin code in a task of its own: what would end more than the task leaves it as a RuntimeError."""
    try:
        return await awaitable
    except (Exception, asyncio.CancelledError):
        raise
    except BaseException as error:
        if is_own(error):
            raise RuntimeError(f"plugin code raised {type(error).__name__}") from error
        raise


def _innermost(error: BaseException) -> types.TracebackType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _is_raised(error: BaseException) -> bool:
    """Return whether a `raise` is where an exception began, or a thread handed it over."""
    trace = _innermost(error)
    return trace is not None and trace.tb_frame.f_code.co_code[trace.tb_lasti] in _RAISING


def _is_of_signal(error: KeyboardInterrupt) -> bool:
    """Return whether the process was really interrupted, as far as can be told: under `rtvi run` it never is.

    Python's own handler of SIGINT interrupts between two instructions, that of `asyncio.Runner` raises.
    """
    handler: Any = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        return not _is_raised(error)
    while isinstance(handler, functools.partial):
        handler = handler.func
    trace = _innermost(error)
    code = getattr(handler, "__code__", None)
    return trace is not None and code is not None and trace.tb_frame.f_code is code
