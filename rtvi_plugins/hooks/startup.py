"""The start while plugins are imported and asked: whose fault it is when it hangs, and what Ctrl-C means then.

A plugin may loop or wait for ever in its module or in a hook. A thread beside names it after five seconds, and again
from time to time. A signal that ends the wait is told from an exception that a plugin raises by itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0
"""How long a plugin may keep the start waiting before it is named; then twice as long each time, a minute at most."""
_LOOK_EVERY_S: Final = 0.25
_LAST_SIGNAL: Final = 3


class StartInterrupted(KeyboardInterrupt):
    """A signal ended the start while a plugin was at work; the text says which and what it was doing."""


@dataclass(slots=True)
class _Step:
    """What one plugin is doing: `who` and `doing` make a sentence, `due` is when it has to be named."""

    who: str
    doing: str
    since: float
    patience: float = PATIENCE_S


class _Start:
    """The start at hand; there is one for the process."""

    def __init__(self) -> None:
        self.step: _Step | None = None
        self.signals = 0
        self.watches = 0
        self.done = threading.Event()

    def watch(self) -> None:
        """Name the plugin that keeps the start waiting, until the start is done."""
        while not self.done.wait(_LOOK_EVERY_S):
            step = self.step
            if step is not None and time.monotonic() - step.since >= step.patience:
                logger.warning("the start waits for %s: %s since %.0f s", step.who, step.doing, step.patience)
                step.patience += min(step.patience, 60.0)

    def on_signal(self, previous: Any, number: int, frame: Any) -> None:
        """Count a signal, and let whoever had the handler raise; one that swallows it repeatedly ends the process."""
        self.signals += 1
        if self.signals >= _LAST_SIGNAL and self.step is not None:
            with contextlib.suppress(Exception):
                print(interrupted(self.step.who, self.step.doing), file=sys.stderr, flush=True)  # noqa: T201
            os._exit(128 + number)
        previous(number, frame)


_start = _Start()


def interrupted(who: str, doing: str) -> str:
    """Return the sentence about a start that a signal ended."""
    return f"interrupted while {who} was at work: {doing}"


@contextlib.contextmanager
def watching() -> Iterator[None]:
    """Watch over the start while this lasts. What is inside may watch too: that is the same start."""
    _start.watches += 1
    if _start.watches > 1:
        try:
            yield
        finally:
            _start.watches -= 1
        return
    _start.done = threading.Event()
    _start.signals = 0
    thread = threading.Thread(target=_start.watch, name="rtvi-start", daemon=True)
    thread.start()
    try:
        with _handling_signals():
            yield
    finally:
        _start.watches = 0
        _start.done.set()
        thread.join()


@contextlib.contextmanager
def _handling_signals() -> Iterator[None]:
    """Count SIGINTs, where this is the thread that gets them."""
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: _start.on_signal(previous, number, frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def at_work(who: str, doing: str) -> Iterator[None]:
    """Say that a plugin is at work: `plugin 'lamp' (rtvi-plugin-lamp 1.0)`, `importing 'rtvi_plugin_lamp'`.

    Raises StartInterrupted when a signal came meanwhile, whatever the plugin made of it.
    """
    with watching():
        outer, _start.step = _start.step, _Step(who, doing, time.monotonic())
        try:
            yield
        except BaseException as error:
            if _start.signals:
                raise StartInterrupted(interrupted(who, doing)) from error
            raise
        finally:
            _start.step = outer
        if _start.signals:
            raise StartInterrupted(interrupted(who, doing))
