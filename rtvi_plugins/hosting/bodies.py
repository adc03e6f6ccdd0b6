"""The bodies of requests while they come in: bounded one by one, and all together with what else waits."""

from __future__ import annotations

from typing import Final, Protocol

from rtvi_plugins.hosting.admission import Denied
from rtvi_plugins.processor.memory import WAITING, Hold

BUSY: Final = "Too many bytes of earlier requests wait"


class Bounds(Protocol):
    """The limits of a manifest that matter here, in bytes."""

    @property
    def max_message_bytes(self) -> int:
        """The most of one body."""

    @property
    def max_waiting_bytes_total(self) -> int:
        """The most of all that waits in the process."""


class Body:
    """One body, as far as it has come. It counts until it is released or gone, or its hold is."""

    def __init__(self, limits: Bounds) -> None:
        self._most = limits.max_message_bytes
        self._total = limits.max_waiting_bytes_total
        self._chunks: list[bytes] = []
        self.hold = Hold((WAITING,), 0)

    def add(self, chunk: bytes) -> None:
        """Add what came. Raises Denied when it is too much."""
        size = len(chunk)
        if self.hold.size + size > self._most:
            raise Denied(413, f"The body is larger than {self._most} bytes")
        if not WAITING.take(size, self._total):
            raise Denied(503, BUSY)
        self.hold.size += size
        self._chunks.append(chunk)

    @property
    def content(self) -> bytes:
        """What has come so far."""
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0] if self._chunks else b""
