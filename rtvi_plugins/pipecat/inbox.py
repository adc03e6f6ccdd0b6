"""What came from the client and waits for the session: checked like text from a socket, and bounded."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rtvi_plugins.errors import Category
from rtvi_plugins.pipecat.carried import Carried
from rtvi_plugins.processor.memory import COUNTED, Hold, NoRoomError, compact, read, size_when_read
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message, NotJSONError

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.session import PipelineSession

MAX_WAITING: Final = 1024
"""Messages that wait for the session; it reads at once, so that only a flood gets this far."""
DEFAULT_MAX_BYTES: Final = 1_114_112
MOST_OF_ID: Final = 200
"""Characters of an id by which senders are told apart."""
LARGE: Final = 65_536
"""Bytes of a message that are let go of as soon as it is taken: in a pipeline, every stage holds the last frame."""
YIELD_EVERY: Final = 64
"""Messages read in a row before the pipeline gets its turn."""


class Waiting(NamedTuple):
    """One message that waits: as it was read, where somebody is about to take it, else as JSON text."""

    message: Message | bytes
    hold: Hold | None


class Inbox:
    """The messages of one session, in order."""

    def __init__(self, session: PipelineSession) -> None:
        self._session = session
        self._waiting: deque[Waiting] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._in_a_row = 0
        self._senders: dict[str, str] = {}

    def put(self, message: Any, sender: str | None = None) -> int:
        """Keep one message of the transport, or tell the client why not. Returns about how many bytes it takes.

        sender: who of several participants sent it, from transports that know.
        """
        session = self._session
        if not isinstance(message, dict):
            refuse(session, None, "expected an object")
            return LARGE
        if message.get("label") != LABEL:
            return 0
        id_, limits = message.get("id"), session.limits
        try:
            given, text, length, size = _checked(message, limits)
        except (NotJSONError, wire.InvalidJSONError) as error:
            refuse(session, id_, "not JSON" if isinstance(error, NotJSONError) else str(error))
            return LARGE
        is_taken = not self._waiting and self._reader is not None and not self._reader.done()
        hold = None
        if not is_taken:
            hold = session.waiting_bytes.hold(length)
        elif length > COUNTED:
            hold = session.handled_bytes.hold(size)
        if len(self._waiting) >= MAX_WAITING or (hold is None and (length > COUNTED or not is_taken)):
            refuse(session, id_, "too many messages wait", Code.BUSY)
            return size
        session.is_large_held = session.is_large_held or size >= LARGE
        self._waiting.append(Waiting(given if is_taken else compact(text or wire.encode(given)), hold))
        if sender is not None and given.get("type") == ClientType.SEND_TEXT:
            self._note_sender(given.get("id"), sender)
        if is_taken and self._reader is not None:
            self._reader.set_result(None)
        return size

    def _note_sender(self, id_: Any, sender: str) -> None:
        if isinstance(id_, str):
            self._senders[id_[:MOST_OF_ID]] = sender
            if len(self._senders) > MAX_WAITING:
                del self._senders[next(iter(self._senders))]

    def sender_of(self, id_: str) -> str | None:
        """Give the sender of a `send-text`, once."""
        return self._senders.pop(id_[:MOST_OF_ID], None)

    async def get(self) -> Message | None:
        """Give the next message; waits for one."""
        session = self._session
        session.arriving = None
        self._in_a_row += 1
        if self._in_a_row >= YIELD_EVERY:
            self._in_a_row = 0
            await asyncio.sleep(0)
        while True:
            while not self._waiting:
                self._in_a_row = 0
                self._reader = asyncio.get_running_loop().create_future()
                await self._reader
            message, hold = self._waiting.popleft()
            if not isinstance(message, bytes):
                session.arriving = hold
                return message
            if hold is None or session.hold_taken(message, hold):
                return read(message)  # type: ignore[no-any-return]
            refuse(session, read(message).get("id"), NoRoomError.TEXT, Code.BUSY)


class _Checked(NamedTuple):
    """A message as it can be handled.

    text:   its JSON text, if that was written.
    length: bytes of that text.
    size:   bytes that it takes, about.
    """

    message: Message
    text: bytes | None
    length: int
    size: int


def _checked(message: Any, limits: Mapping[str, float]) -> _Checked:
    """Check what a transport brings. Raises NotJSONError, InvalidJSONError."""
    most = limits.get("max_message_bytes", DEFAULT_MAX_BYTES)
    if isinstance(message, Carried) and 0 < message.length <= most:
        return _Checked(dict(message), None, message.length, message.size)
    text = _as_text(message)  # transports read JSON less strictly, and hand on what they have read
    if len(text) > most:
        raise wire.InvalidJSONError("too large")
    depth = int(limits.get("max_depth", wire.DEFAULT_MAX_DEPTH))
    given = wire.decode(text, depth, int(limits.get("max_nodes", wire.DEFAULT_MAX_NODES)))
    return _Checked(given, text, len(text), size_when_read(text))


def _as_text(message: Any) -> bytes:
    """Write a message as JSON. Raises NotJSONError."""
    try:
        return wire.encode(message)
    except NotJSONError:
        # Half of a surrogate pair is no UTF-8, but has an escape, which `wire` reads as U+FFFD, as on every host.
        try:
            return json.dumps(message, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise NotJSONError(str(error)) from None


def refuse(session: PipelineSession, id_: Any, text: str, code: str = Code.INVALID_MESSAGE) -> None:
    """Tell the client what is wrong with a message: by reply where there is an id to reply to."""
    if isinstance(id_, str):
        id_ = id_.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        session.refuse(Request(id_), Refusal(f"Invalid message: {text}", code, Category.PROTOCOL))
    else:
        session.tell_invalid(text)
