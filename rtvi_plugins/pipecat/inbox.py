"""What came from the client and waits for the session: checked like text from a socket, and bounded."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rtvi_plugins.errors import Category
from rtvi_plugins.pipecat.carried import Carried
from rtvi_plugins.processor.memory import COUNTED, Hold, compact, read
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

    def put(self, message: Any, sender: str | None = None) -> None:
        """Keep one message of the transport, or tell the client why not.

        sender: who of several participants sent it, from transports that know.
        """
        session = self._session
        if not isinstance(message, dict):
            refuse(session, None, "expected an object")
            return
        if message.get("label") != LABEL:
            return
        id_, limits = message.get("id"), session.limits
        try:
            given, text, size = _checked(message, limits)
        except (NotJSONError, wire.InvalidJSONError) as error:
            refuse(session, id_, "not JSON" if isinstance(error, NotJSONError) else str(error))
            return
        is_taken = not self._waiting and self._reader is not None and not self._reader.done()
        hold = session.waiting_bytes.hold(size) if size > COUNTED or not is_taken else None
        if len(self._waiting) >= MAX_WAITING or (hold is None and (size > COUNTED or not is_taken)):
            refuse(session, id_, "too many messages wait", Code.BUSY)
            return
        self._waiting.append(Waiting(given if is_taken else compact(text or wire.encode(given)), hold))
        if sender is not None and given.get("type") == ClientType.SEND_TEXT:
            self._note_sender(given.get("id"), sender)
        if is_taken and self._reader is not None:
            self._reader.set_result(None)

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
        while not self._waiting:
            self._in_a_row = 0
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        message, session.arriving = self._waiting.popleft()
        return read(message) if isinstance(message, bytes) else message


def _checked(message: Any, limits: Mapping[str, float]) -> tuple[Message, bytes | None, int]:
    """Return a message as it can be handled, its JSON text if that was written, and the bytes of it.

    Raises NotJSONError, InvalidJSONError.
    """
    most = limits.get("max_message_bytes", DEFAULT_MAX_BYTES)
    if isinstance(message, Carried) and 0 < message.size <= most:
        return dict(message), None, message.size
    text = _as_text(message)  # transports read JSON less strictly, and hand on what they have read
    if len(text) > most:
        raise wire.InvalidJSONError("too large")
    depth = int(limits.get("max_depth", wire.DEFAULT_MAX_DEPTH))
    return wire.decode(text, depth, int(limits.get("max_nodes", wire.DEFAULT_MAX_NODES))), text, len(text)


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
