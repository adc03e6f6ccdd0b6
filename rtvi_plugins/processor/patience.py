"""The patience with a client: it has to come in, and then to be heard of from time to time.

Sessions without such limits, as those of a processor made by hand, wait for ever.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from rtvi_plugins.processor.requests import Code

if TYPE_CHECKING:
    from rtvi_plugins.processor.loop import MessageLoop

LOOKS: Final = 8
"""How often, within `idle_timeout`, it is looked whether a client was heard of: noting the time costs more."""
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


def await_client(session: MessageLoop, loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle | None:
    """Give a session up whose client does not come in; cancel what is returned once it has."""
    limit = session.limits.get(LIMITS[NOT_READY], math.inf)
    if math.isinf(limit):
        return None

    def look() -> None:
        if not session.has_come_in():
            session.give_up(NOT_READY, Code.NOT_READY)

    waited = 0.0 if session.came_at is None else loop.time() - session.came_at
    # A client that came long ago may have said at once that it is ready; it is heard only now.
    return loop.call_later(max(limit - waited, min(limit, HEARING_S)), look)


class Watch:
    """Looks after all sessions that have one `idle_timeout`, by one timer: one for each would weigh half a KiB.

    A session is given up once it was silent for so many looks, the one in which it was last heard not counted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: float) -> None:
        self._loop = loop
        self._every = limit / LOOKS
        self._silent: dict[MessageLoop, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, session: MessageLoop) -> None:
        """Look after a session from now on."""
        self._silent[session] = -1
        if self._timer is None:
            self._timer = self._loop.call_later(self._every, self._look)

    def discard(self, session: MessageLoop) -> None:
        """Look after it no longer; a second time does nothing."""
        self._silent.pop(session, None)
        if self._timer is not None and not self._silent:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._every, self._look)
        for session, looks in tuple(self._silent.items()):
            if session.was_heard() or session.is_busy:
                self._silent[session] = 0
            elif looks + 1 < LOOKS:
                self._silent[session] = looks + 1
            else:
                self.discard(session)
                session.give_up(IDLE, Code.IDLE)


_WATCHES: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, Watch]]] = WeakKeyDictionary()


def watch_for(session: MessageLoop, loop: asyncio.AbstractEventLoop) -> Watch | None:
    """Have a session looked after, if it has a limit; `discard` it from what is returned at its end."""
    limit = session.limits.get(LIMITS[IDLE], math.inf)
    if math.isinf(limit):
        return None
    watches = _WATCHES.setdefault(loop, {})
    watch = watches.get(limit)
    if watch is None:
        watch = watches[limit] = Watch(loop, limit)
    watch.add(session)
    return watch
