"""What the log is told of those who are refused: a line a minute for each, and never more than a few in all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from rtvi_plugins.log import one_line
from rtvi_plugins.processor.patience import CLOSE, LIMITS, NOT_READY

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor

logger = logging.getLogger(__name__)

EVERY_S: Final = 60.0
MOST: Final = 32
"""Causes that are told in a minute; what else is refused meanwhile is only counted."""
MAX_LENGTH: Final = 200


class Notices:
    """The causes that were told in the last minute.

    clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}
        self._passed_over = 0

    def tell(self, cause: str, text: str) -> None:
        """Log a text, unless the same cause was told within a minute."""
        now = self._clock()
        while self._told and now - next(iter(self._told.values())) >= EVERY_S:
            del self._told[next(iter(self._told))]
        cause = cause[:MAX_LENGTH]
        if cause in self._told:
            return
        if len(self._told) >= MOST:
            self._passed_over += 1
            return
        self._told[cause] = now
        if self._passed_over:
            logger.info("refused %d more requests, which were not logged", self._passed_over)
            self._passed_over = 0
        logger.info("%s", one_line(text))


NOTICES: Final = Notices()
"""Those of the process, for limits that are reached: each is told once a minute, whoever reaches it."""


def tell_limit(key: str, text: str) -> None:
    """Log that a limit was reached, what was done, and which key of the manifest would change it."""
    NOTICES.tell(key, f"{text} (runtime.limits.{key})")


def tell_end(processor: RTVIProcessor, reason: str) -> None:
    """Log that a session ended because of its client, if this is the reason."""
    key = LIMITS.get(reason)
    if key is not None:
        session = processor.session
        what = f"ended session {session.id} of {session.caller.address or 'a client'}"
        tell_limit(key, f"{what}: {CLOSE[reason][1]}, {processor.limits[key]:g} s")


def tell_silence(name: str, seconds: float) -> None:
    """Log that a WebSocket was closed whose client has not said who it is."""
    tell_limit(LIMITS[NOT_READY], f"{name}: closed a socket whose client has said nothing for {seconds:g} s")
