"""The small port through which a processor reaches the outside, and what it knows of its session.

Anything with the methods of `Port` is a host: the standalone server, a Pipecat pipeline, a test.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from rtvi_plugins.processor import memory
from rtvi_plugins.protocol import wire

if TYPE_CHECKING:
    from rtvi_plugins.protocol.frames import Frame, FrameDirection
    from rtvi_plugins.protocol.messages import Message


_NO_DATA: Final[Mapping[str, Any]] = MappingProxyType({})


class Caller(NamedTuple):
    """Who is at the other end. `name` is proved by a token, or empty; `address` is the peer's, or empty."""

    name: str = ""
    address: str = ""


class Session:
    """What a processor knows of its session. `state` belongs to the plugins: use keys of your own name.

    start: what the client sent with its start: a mapping of JSON values, or its JSON text.
    """

    __slots__ = ("_snapshot", "_start", "_state", "caller", "id", "snapshot_hold")

    def __init__(
        self,
        id: str = "",  # noqa: A002 - its name in every handler
        caller: Caller = Caller(),  # noqa: B008 - a NamedTuple is immutable
        start: Mapping[str, Any] | bytes = b"",
    ) -> None:
        self.id = id
        self.caller = caller
        # As text: read, small values take many times as much memory.
        self._start = start if isinstance(start, bytes) else json.dumps(dict(start)).encode()
        self._snapshot: bytes | None = None
        self.snapshot_hold: memory.Hold | None = None
        self._state: dict[str, Any] | None = None

    @property
    def start(self) -> Mapping[str, Any]:
        """What the client sent with its start, beside `config`; read only, its lists and objects are copies."""
        return MappingProxyType(json.loads(self._start)) if self._start else _NO_DATA

    @property
    def snapshot(self) -> dict[str, Any] | None:
        """The newest accessibility tree of the client's page (`ui-snapshot`), read anew each time, or None."""
        return None if self._snapshot is None else memory.read(self._snapshot)

    @snapshot.setter
    def snapshot(self, tree: Mapping[str, Any] | None) -> None:
        """Keep a tree, as JSON text: as objects it would take many times as much memory. Raises NotJSONError."""
        self.keep_snapshot(None if tree is None else wire.encode(tree))

    def keep_snapshot(self, text: bytes | None) -> None:
        """Keep a tree that is JSON text already."""
        self._snapshot = None if text is None else memory.compact(text)

    @property
    def state(self) -> dict[str, Any]:
        """A mutable mapping that lives as long as the session."""
        if self._state is None:
            self._state = {}
        return self._state


class Port(Protocol):
    """What a host does for its processor."""

    def send(self, message: Message) -> None:
        """Hand one RTVI message to the client. Raises TypeError, having sent nothing, when it is not JSON."""
        ...

    async def push_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Let a frame go on through the host's pipeline, where it has one."""
        ...

    async def apply(self, stage: str, field: str, value: Any) -> None:
        """Set a field of a running pipeline stage (`bind:`)."""
        ...

    async def interrupt(self) -> None:
        """Stop what the bot is saying."""
        ...

    async def say(self, text: str) -> None:
        """Have the bot speak a text of its own."""
        ...

    async def end(self) -> None:
        """End the session, after what was already sent."""
        ...


class Detached:
    """The port of a processor that has no host yet: it keeps the newest messages for the host to come."""

    KEPT: Final = 256

    def __init__(self) -> None:
        self.kept: deque[Mapping[str, Any]] = deque(maxlen=self.KEPT)

    def send(self, message: Message) -> None:
        """Keep the message."""
        self.kept.append(message)

    async def push_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Do nothing: there is no pipeline."""

    async def apply(self, stage: str, field: str, value: Any) -> None:
        """Do nothing: there is no stage."""

    async def interrupt(self) -> None:
        """Do nothing: nothing is said."""

    async def say(self, text: str) -> None:
        """Do nothing: nobody listens."""

    async def end(self) -> None:
        """Do nothing: there is no session."""
