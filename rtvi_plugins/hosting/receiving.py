"""What has come so far of messages and bodies that are not complete: bounded for the process.

It has a bound of its own, so that who begins and never ends takes no room from what is complete. When it is reached,
what was begun first is dropped: among those that never end, and those that come in at once, it is of the former.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary, WeakMethod

from rtvi_plugins.processor.memory import RECEIVING

_begun: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Part, None]]] = WeakKeyDictionary()
"""The parts that count, of each event loop, the oldest first."""


class Part:
    """What has come of one message or body.

    drop: a method that is called when it has to give way to others, and counts no longer; it lets go of the bytes.
          It is held weakly: whoever has the bytes releases the part at its own end.
    """

    __slots__ = ("_loop", "drop", "size")

    def __init__(self, drop: Callable[[], object]) -> None:
        self.drop = WeakMethod(drop)
        self._loop = asyncio.get_running_loop()
        self.size = 0

    def resize(self, size: int, most: int) -> None:
        """Count it anew; where that makes more than `most` bytes in all, the oldest parts, perhaps this one, go."""
        begun = _begun.setdefault(self._loop, {})
        RECEIVING.give_back(self.size)
        self.size = size
        if not size:
            begun.pop(self, None)
            return
        begun.setdefault(self)
        RECEIVING.add(size)
        while RECEIVING.used > most and begun:
            oldest = next(iter(begun))
            oldest.release()
            if (drop := oldest.drop()) is not None:
                drop()

    def release(self) -> None:
        """Count it no longer: it is complete, or given up."""
        if self.size:
            self.resize(0, 0)
