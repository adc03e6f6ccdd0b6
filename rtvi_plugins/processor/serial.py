"""The locks of serial actions: those of one key run one after the other in a session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor

GRACE_S: Final = 5.0
"""How long an action may go on after its time-out before those that wait for it are refused."""


class SerialLock(asyncio.Lock):
    """The lock of serial actions. It knows who holds it, so that an action may run others of its kind itself."""

    def __init__(self) -> None:
        super().__init__()
        self._owner: asyncio.Task[Any] | None = None
        self._timeouts: list[float] = []  # not their sum: what is added to a float and taken off again may leave a rest

    @property
    def bound(self) -> float:
        """The time-outs of those that hold it and wait for it, in seconds; others may hold it without telling."""
        return sum(self._timeouts)

    async def acquire_in_time(self, timeout: float) -> bool:  # noqa: ASYNC109 - what its holder will take at most
        """Wait for it, as long as those before it may take; False when one of them does not even end by then.

        Whoever gets it lets the next one have it by `release_in_time`.
        """
        wait = self.bound + GRACE_S if self._timeouts else None
        self._timeouts.append(timeout)
        try:
            async with asyncio.timeout(wait):
                await self.acquire()
        except BaseException as error:
            self._timeouts.remove(timeout)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def release_in_time(self, timeout: float) -> None:
        """Let the next one have it, which need no longer wait for `timeout`."""
        self._timeouts.remove(timeout)
        self.release()

    @property
    def is_ours(self) -> bool:
        """Whether the current task holds it."""
        return self._owner is not None and self._owner is asyncio.current_task()

    async def acquire(self) -> Literal[True]:
        """Wait for it."""
        await super().acquire()
        self._owner = asyncio.current_task()
        return True

    def release(self) -> None:
        """Let the next one have it."""
        self._owner = None
        super().release()


def lock_of(processor: RTVIProcessor, key: tuple[str, ...]) -> SerialLock:
    """Give the lock of the actions of a session that share a key."""
    if processor._locks is None:
        processor._locks = {}
    lock = processor._locks.get(key)
    if lock is None:
        lock = processor._locks[key] = SerialLock()
    return lock
