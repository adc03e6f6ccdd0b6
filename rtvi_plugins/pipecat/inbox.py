"""What came from the client and waits for the session: checked like text from a socket, and bounded."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import Category
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message, NotJSONError

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.session import PipelineSession

MAX_WAITING: Final = 1024
"""Messages that wait for the session; it reads at once, so that only a flood gets this far."""
DEFAULT_MAX_BYTES: Final = 1_114_112
YIELD_EVERY: Final = 64
"""Messages read in a row before the pipeline gets its turn."""


class Inbox:
    """The messages of one session, in order."""

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._in_a_row = 0
        self._senders: dict[str, str] = {}

    def put(self, session: PipelineSession, message: Any, sender: str | None = None) -> None:
        """Keep one message of the transport, or tell the client why not.

        sender: who of several participants sent it, from transports that know.
        """
        limits = session.limits
        if not isinstance(message, dict):
            refuse(session, None, "expected an object")
            return
        if message.get("label") != LABEL:
            return
        id_ = message.get("id")
        try:
            text = _as_text(message)  # transports read JSON less strictly, and hand on what they have read
            read = wire.decode(text, int(limits.get("max_depth", wire.DEFAULT_MAX_DEPTH)))
        except (NotJSONError, wire.InvalidJSONError) as error:
            refuse(session, id_, "not JSON" if isinstance(error, NotJSONError) else str(error))
            return
        if len(text) > limits.get("max_message_bytes", DEFAULT_MAX_BYTES):
            refuse(session, id_, "too large")
        elif len(self._waiting) >= MAX_WAITING:
            refuse(session, id_, "too many messages wait", Code.BUSY)
        else:
            self._keep(read, sender)

    def _keep(self, message: Message, sender: str | None) -> None:
        self._waiting.append(message)
        if sender is not None and message.get("type") == ClientType.SEND_TEXT:
            self._note_sender(message.get("id"), sender)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _note_sender(self, id_: Any, sender: str) -> None:
        if isinstance(id_, str):
            self._senders[id_] = sender
            if len(self._senders) > MAX_WAITING:
                del self._senders[next(iter(self._senders))]

    def sender_of(self, id_: str) -> str | None:
        """Give the sender of a `send-text`, once."""
        return self._senders.pop(id_, None)

    async def get(self) -> Message | None:
        """Give the next message; waits for one."""
        self._in_a_row += 1
        if self._in_a_row >= YIELD_EVERY:
            self._in_a_row = 0
            await asyncio.sleep(0)
        while not self._waiting:
            self._in_a_row = 0
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._waiting.popleft()


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
