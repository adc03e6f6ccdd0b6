"""The bodies of requests, while they come in and while what they ask for is done: each bounded, and all together."""

from __future__ import annotations

from typing import Final, Protocol

from rtvi_plugins.hosting.admission import Denied
from rtvi_plugins.hosting.receiving import Part
from rtvi_plugins.processor.memory import FIRST, WAITING, Allowance, Hold, size_when_read

BUSY: Final = "Too many bytes of other requests wait"


class Bounds(Protocol):
    """The limits of a manifest that matter here, in bytes."""

    @property
    def max_message_bytes(self) -> int:
        """The most of one body."""

    @property
    def max_receiving_bytes_total(self) -> int:
        """The most of all bodies and messages of the process that are not complete."""

    @property
    def max_waiting_bytes_total(self) -> int:
        """The most of all complete ones."""


class Body:
    """One body, as far as it has come. It counts as long as it lives.

    hold: what it counts once it is complete, for whoever keeps what was read of it.
    """

    def __init__(self, limits: Bounds) -> None:
        self._limits = limits
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_dropped = False
        self._part = Part(self._drop)
        self.hold = Hold((), 0)

    def add(self, chunk: bytes) -> None:
        """Add what came. Raises Denied when it is too much."""
        size = self._size + len(chunk)
        if size > self._limits.max_message_bytes:
            raise Denied(413, f"The body is larger than {self._limits.max_message_bytes} bytes")
        if not self._is_dropped:
            self._chunks.append(chunk)
            self._size = size
            self._part.resize(size, self._limits.max_receiving_bytes_total)
        if self._is_dropped:  # by now, or while it was waited for
            raise Denied(503, BUSY)

    def complete(self) -> bytes:
        """Return the whole body, which counts from now on as the message that it holds. Raises Denied."""
        self._part.release()
        if self._is_dropped:
            raise Denied(503, BUSY)
        content = b"".join(self._chunks)
        self._chunks.clear()
        limits = self._limits
        most = limits.max_message_bytes
        allowed = Allowance(most, WAITING, limits.max_waiting_bytes_total, first=FIRST * most)
        hold = allowed.hold(size_when_read(content))
        if hold is None:
            raise Denied(503, BUSY)
        self.hold = hold
        return content

    def _drop(self) -> None:
        self._chunks.clear()
        self._is_dropped = True

    def __del__(self) -> None:
        self._part.release()
