"""A loop whose clock goes on only when nothing else is left to do, and then at once to the next timer.

Tests of time limits neither wait nor depend on how busy the machine is: what takes five seconds takes exactly five
seconds of `loop.time()`, and no time.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any, Final

HANG_S: Final = 30.0
"""Seconds of real time after which a loop without a timer is taken for one that hangs."""


class _Skipping(selectors.DefaultSelector):  # type: ignore[valid-type,misc] # which class it is depends on the system
    """Waits for nothing that a timer would end: the time is skipped instead."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; when nothing is, let the timeout pass."""
        if timeout is None:  # only a thread could wake it
            ready: list[Any] = super().select(HANG_S)
            assert ready, "nothing is left that could happen: the test hangs"
            return ready
        ready = super().select(0)
        if not ready:
            self.skipped += max(timeout, 0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. Its time begins at 0."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Return the seconds that were skipped so far."""
        return self._skipping.skipped
