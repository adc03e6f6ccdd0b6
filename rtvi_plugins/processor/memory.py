"""Bytes that a client makes the server hold, counted for its session and for the process.

What waits or is kept is kept as JSON text: the objects that are read from it take up to some twenty times as much. A
`Hold` counts as long as it lives, so whoever keeps the bytes keeps their hold beside them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import orjson

from rtvi_plugins.protocol.wire import marks_outside

COUNTED: Final = 1024
"""Bytes of a message; smaller ones are bounded by their number alone."""


class Count:
    """How many bytes are held. Any thread may count; the garbage collector too, in the midst of counting."""

    __slots__ = ("_given_back", "_lock", "_used")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_back: deque[int] = deque()  # appending cannot be interrupted
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes held at this moment."""
        with self._lock:
            while self._given_back:
                self._used -= self._given_back.popleft()
            return self._used

    def take(self, size: int, most: int) -> bool:
        """Count so many bytes more, unless that would be more than `most` in all."""
        with self._lock:
            while self._given_back:
                self._used -= self._given_back.popleft()
            if self._used + size > most:
                return False
            self._used += size
            return True

    def give_back(self, size: int) -> None:
        """Count so many bytes less."""
        self._given_back.append(size)


WAITING: Final = Count()
"""Messages that wait, of all sessions."""
KEPT: Final = Count()
"""What is kept for clients, of all sessions."""
OUTGOING: Final = Count()
"""Messages that clients have not read, of all sessions."""


class Hold:
    """Some bytes that are held; given back when the hold is released or gone."""

    __slots__ = ("_counts", "size")

    def __init__(self, counts: tuple[Count, ...], size: int) -> None:
        self._counts = counts
        self.size = size

    def release(self) -> None:
        """Give the bytes back; a second time does nothing."""
        size, self.size = self.size, 0
        if size:
            for count in self._counts:
                count.give_back(size)

    __del__ = release


class Allowance:
    """What one session may hold of one kind.

    limit: bytes of this session; total: bytes of all sessions; of_all: the count of these.
    """

    __slots__ = ("_counts", "limit", "total")

    def __init__(self, limit: float, of_all: Count, total: float) -> None:
        self.limit = int(limit)
        self.total = int(total)
        self._counts = (Count(), of_all)

    @property
    def used(self) -> int:
        """Bytes that this session holds."""
        return self._counts[0].used

    def hold(self, size: int) -> Hold | None:
        """Count so many bytes; None when there is no room for them."""
        own, of_all = self._counts
        if not own.take(size, self.limit):
            return None
        if not of_all.take(size, self.total):
            own.give_back(size)
            return None
        return Hold(self._counts, size)


class NoRoomError(Exception):
    """A message has to be refused, because too many bytes wait already.

    value: what could be read of it, for whoever wants to reply to it.
    """

    TEXT: Final = "Too many bytes of earlier messages wait"

    def __init__(self, value: Any = None) -> None:
        super().__init__(self.TEXT)
        self.value = value


def of_limits(limits: Mapping[str, float], name: str, of_all: Count) -> Allowance:
    """Return the allowance of a session by its limits: `name` and `name_total`."""
    return Allowance(limits[name], of_all, limits[f"{name}_total"])


def compact(text: bytes) -> bytes:
    """Copy text that is to be kept: what a writer returns stands in a piece of memory that may be many times larger."""
    return bytes(memoryview(text))


def read(text: bytes) -> Any:
    """Read what was written by us, and was within all bounds then."""
    return orjson.loads(text)


_SIZES: Final = ((b",", 40), (b"[", 40), (b"{", 200))
"""What stands in JSON text, and about how many bytes it becomes when it is read."""

_MATTERS: Final = 4 * 1024 * 1024
"""Bytes up to which it does no harm to take a message for larger than it is."""


def size_when_read(text: bytes) -> int:
    """Return about how many bytes what is read from JSON text takes.

    Marks within its texts become nothing. They are told apart only in what seems large: it takes as long as reading.
    """
    if len(text) <= COUNTED:
        return len(text)
    size = _with_marks(text, text)
    return size if size <= _MATTERS else _with_marks(text, marks_outside(text))


def _with_marks(text: bytes, marks: bytes) -> int:
    return len(text) + sum(marks.count(mark) * size for mark, size in _SIZES)
