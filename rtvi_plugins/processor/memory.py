"""Bytes that a client makes the server hold, counted for its session and for the process.

What waits or is kept is kept as JSON text: the objects that are read from it take up to some twenty times as much. A
`Hold` counts as long as it lives, so whoever keeps the bytes keeps their hold beside them.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import orjson

from rtvi_plugins.protocol.wire import marks_outside

COUNTED: Final = 512
"""Bytes of a message; smaller ones are bounded by their number alone: read, one takes 16 KiB at most."""


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

    def add(self, size: int) -> None:
        """Count so many bytes more, however many there are."""
        with self._lock:
            self._used += size

    def give_back(self, size: int) -> None:
        """Count so many bytes less."""
        self._given_back.append(size)


WAITING: Final = Count()
"""Messages that wait or are handled, of all sessions."""
RECEIVING: Final = Count()
"""What has come of messages and bodies that are not complete, of all connections."""
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

    def shrink(self, size: int) -> None:
        """Hold no more than so many bytes from now on."""
        less = self.size - size
        if less > 0:
            self.size = size
            for count in self._counts:
                count.give_back(less)

    def merge(self, other: Hold) -> None:
        """Hold what another hold of the same counts holds, in its place."""
        self.size += other.size
        other.size = 0

    def release(self) -> None:
        """Give the bytes back; a second time does nothing."""
        self.shrink(0)

    def __del__(self) -> None:
        self.shrink(0)


class Allowance:
    """What one session may hold of one kind.

    limit: bytes of this session; total: bytes of all sessions; of_all: the count of these.
    first: bytes that a session which holds nothing may always have, whatever the others hold. The one thing it holds
           may be larger than `limit`, too, where the others leave room; 0: there is no such exception.
    modest: a quarter of `total` is for sessions that hold no more than these bytes.
    """

    __slots__ = ("_counts", "first", "limit", "modest", "total")

    def __init__(self, limit: float, of_all: Count, total: float, first: float = 0, modest: int | None = None) -> None:
        self.limit = int(limit)
        self.total = int(total)
        self.first = int(first)
        self.modest = modest
        self._counts = (Count(), of_all)

    @property
    def used(self) -> int:
        """Bytes that this session holds."""
        return self._counts[0].used

    def hold(self, size: int) -> Hold | None:
        """Count so many bytes; None when there is no room for them."""
        own, of_all = self._counts
        if not own.take(size, self.limit):
            if not self.first or own.used:
                return None
            own.add(size)
        most = self.total
        if self.modest is not None and own.used > self.modest:
            most -= most // 4
        if not of_all.take(size, most):
            if size > self.first or own.used != size:
                own.give_back(size)
                return None
            of_all.add(size)
        return Hold(self._counts, size)


FIRST: Final = 2
"""What the one message of a session may take in memory, in multiples of `max_message_bytes`, whatever others hold."""

MODEST: Final = 65_536
"""Bytes kept for a session up to which it may use all of the bound of the process."""


class NoRoomError(Exception):
    """A message has to be refused, because too many bytes wait already.

    value: what could be read of it, for whoever wants to reply to it.
    """

    TEXT: Final = "Too many bytes of earlier messages wait"

    def __init__(self, value: Any = None) -> None:
        super().__init__(self.TEXT)
        self.value = value


def of_messages(limits: Mapping[str, float], name: str, of_all: Count) -> Allowance:
    """Return the allowance of a session's messages by its limits: `name` and `name_total`. It may always have one."""
    return Allowance(limits[name], of_all, limits[f"{name}_total"], first=FIRST * limits["max_message_bytes"])


def of_kept(limits: Mapping[str, float]) -> Allowance:
    """Return the allowance of what is kept for a session's client."""
    return Allowance(limits["max_kept_bytes"], KEPT, limits["max_kept_bytes_total"], modest=MODEST)


def compact(text: bytes) -> bytes:
    """Copy text that is to be kept: what a writer returns stands in a piece of memory that may be many times larger."""
    return bytes(memoryview(text))


def read(text: bytes) -> Any:
    """Read what was written by us, and was within all bounds then."""
    return orjson.loads(text)


_EMPTY: Final = sys.getsizeof("")

_MATTERS: Final = 4 * 1024 * 1024
"""Bytes up to which it does no harm to take a message for larger than it is."""


def text_size(text: bytes) -> int:
    """Return how many bytes the texts in JSON text take at most: every character as many as the widest."""
    size = len(text) if text.isascii() else sys.getsizeof(text.decode("utf-8", "replace"))
    escapes = text.count(b"\\u")  # six characters for one
    if not escapes:
        return size
    return max(size, (len(text) - 5 * escapes) * (4 if b"\\ud" in text or b"\\uD" in text else 2))


def size_of(text: str) -> int:
    """Return how many bytes the characters of a text take: one, two or four each, as the widest of them."""
    return sys.getsizeof(text) - _EMPTY


def size_when_read(text: bytes) -> int:
    """Return about how many bytes what is read from JSON text takes.

    Marks within its texts become nothing. They are told apart only in what seems large: it takes as long as reading.
    """
    texts = len(text)
    if texts <= COUNTED:
        return texts
    if b"\\u" in text or not text.isascii():
        texts = text_size(text)
    size = texts + _marks_size(text)
    return size if size <= _MATTERS else texts + _marks_size(marks_outside(text))


def _marks_size(text: bytes) -> int:
    """Return about how many bytes what stands between the texts of JSON text becomes."""
    return 40 * (text.count(b",") + text.count(b"[")) + 200 * text.count(b"{")
