"""The patience with a client: it has to come in, and then to be heard of from time to time.

Sessions without such limits, as those of a processor made by hand, wait for ever.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from rtvi_plugins.processor.requests import Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtvi_plugins.processor.loop import MessageLoop

LOOKS: Final = 8
"""How often, within `idle_timeout`, it is looked whether the client was heard of: noting the time costs more."""

HEARING_S: Final = 1.0
"""How long a client is given at least from the beginning of its session, however late that is."""

NOT_READY: Final = "not-ready"
IDLE: Final = "idle"
"""Why a session ended whose client did not come in, or was not heard of."""

CLOSE: Final = {
    NOT_READY: (4408, "client-ready did not come in time"),
    IDLE: (4410, "the client has sent nothing for too long"),
}
"""Such a reason → WebSocket close code and reason."""
LIMITS: Final = {NOT_READY: "client_ready_timeout", IDLE: "idle_timeout"}
"""Such a reason → the key of `runtime.limits` that it comes from."""


class Patience:
    """Ends one session for which its client gives no reason to go on."""

    __slots__ = ("_awaiting_client", "_awaiting_sign", "_looks", "_loop", "_session")

    def __init__(self, session: MessageLoop, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._loop = loop
        self._looks = 0
        limit = self._limit(NOT_READY)
        waited = 0.0 if session.came_at is None else loop.time() - session.came_at
        # A client that came long ago may have said at once that it is ready; it is heard only now.
        self._awaiting_client = self._start(max(limit - waited, min(limit, HEARING_S)), self._ask_for_client)
        self._awaiting_sign = self._start(self._limit(IDLE) / LOOKS, self._look)

    def end(self) -> None:
        """Look no more."""
        for timer in (self._awaiting_client, self._awaiting_sign):
            if timer is not None:
                timer.cancel()

    def _limit(self, reason: str) -> float:
        return self._session.limits.get(LIMITS[reason], math.inf)

    def _start(self, seconds: float, function: Callable[[], None]) -> asyncio.TimerHandle | None:
        return None if math.isinf(seconds) else self._loop.call_later(seconds, function)

    def _ask_for_client(self) -> None:
        self._awaiting_client = None
        if not self._session.has_come_in():
            self._session.give_up(NOT_READY, Code.NOT_READY)

    def _look(self) -> None:
        if self._session.was_heard() or self._session.is_busy:
            self._looks = 0
        else:
            self._looks += 1
            if self._looks >= LOOKS:
                self._session.give_up(IDLE, Code.IDLE)
                return
        self._awaiting_sign = self._start(self._limit(IDLE) / LOOKS, self._look)
