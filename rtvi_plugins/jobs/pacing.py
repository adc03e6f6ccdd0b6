"""How fast progress goes to a client: at once while it comes slowly, else the newest of each worker, in turn.

A port has no back-pressure, and a client that is sent more than it reads is disconnected. So the updates of a session
pass through one bucket of allowances; what finds it empty waits, one update for each worker, replaced by newer ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

BURST: Final = 64
"""Updates of one session that may go out at once."""
PER_S: Final = 50.0
"""Updates of one session that may go out each second after that."""

Send = Callable[[], None]


class Pacer:
    """The updates of one session on their way out. `key` tells the workers apart."""

    __slots__ = ("_allowance", "_burst", "_per_s", "_taken_at", "_timer", "_waiting")

    def __init__(self, *, burst: int = BURST, per_s: float = PER_S) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._allowance = self._burst
        self._taken_at = 0.0
        self._waiting: dict[str, Send] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many updates wait."""
        return len(self._waiting)

    def offer(self, key: str, send: Send) -> None:
        """Send an update now, or let it wait in place of an older one of the same worker."""
        if not self._waiting and self._take():
            send()
        else:
            self._waiting[key] = send  # a worker that waits already keeps its turn
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(1 / self._per_s, self._send_waiting)

    def flush(self, key: str) -> None:
        """Send what waits of a worker, ahead of its turn: its end is about to be reported."""
        send = self._waiting.pop(key, None)
        if send is not None:
            send()
        self._stop_clock()

    def drop(self, key: str) -> None:
        """Throw away what waits of a worker."""
        self._waiting.pop(key, None)
        self._stop_clock()

    def clear(self) -> None:
        """Throw away everything that waits."""
        self._waiting.clear()
        self._stop_clock()

    def _stop_clock(self) -> None:
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._allowance = min(self._burst, self._allowance + (now - self._taken_at) * self._per_s)
        self._taken_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _send_waiting(self) -> None:
        self._timer = None
        while self._waiting and self._take():
            self._waiting.pop(next(iter(self._waiting)))()
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(1 / self._per_s, self._send_waiting)
