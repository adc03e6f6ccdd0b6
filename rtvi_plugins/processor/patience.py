"""The patience with a client: it has to come in, and then to be heard of from time to time.

Sessions without such limits, as those of a processor made by hand, wait for ever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rtvi_plugins.processor.requests import Code

if TYPE_CHECKING:
    from rtvi_plugins.processor.loop import MessageLoop

LOOKS: Final = 8
"""How often, within `idle_timeout`, it is looked whether the client was heard of: noting the time costs more."""

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

    __slots__ = ("_looks", "_loop", "_session", "_timer")

    def __init__(self, session: MessageLoop, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._loop = loop
        self._looks = 0
        self._timer: asyncio.TimerHandle | None = None
        limit = session.limits.get(LIMITS[NOT_READY])
        if limit is None:
            self._await_sign()
        else:
            self._timer = loop.call_later(limit, self._ask_for_client)

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ask_for_client(self) -> None:
        self._timer = None
        if self._session.has_come_in:
            self._session.is_heard = True
            self._await_sign()
        else:
            self._session.give_up(NOT_READY, Code.NOT_READY)

    def _await_sign(self) -> None:
        limit = self._session.limits.get(LIMITS[IDLE])
        if limit is not None:
            self._timer = self._loop.call_later(limit / LOOKS, self._look)

    def _look(self) -> None:
        session = self._session
        if session.is_heard or session.is_busy:
            session.is_heard = False
            self._looks = 0
        else:
            self._looks += 1
            if self._looks >= LOOKS:
                self._timer = None
                session.give_up(IDLE, Code.IDLE)
                return
        self._await_sign()
