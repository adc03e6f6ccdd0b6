"""What the log is told of those who are refused: a line a minute for each, and never more than a few in all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from rtvi_plugins.log import one_line

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
