"""One WebSocket connection as the host of one processor: bytes in, messages out, everything bounded.

Talks ASGI directly: nothing stands between the server's queue and the processor. Outgoing messages are written at once
where the server offers that. Else, and while the client does not read, they queue; then the task that reads writes
them between two messages, and those sent while it waits get a task of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import Category
from rtvi_plugins.hosting.answers import ABORT, ASGIMessage, Receive, Send
from rtvi_plugins.processor.memory import COUNTED, OUTGOING, NoRoomError, compact
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.stepping import begin
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import LABEL, Message
from rtvi_plugins.protocol.wire import InvalidJSONError
from rtvi_plugins.server import codec

if TYPE_CHECKING:
    from rtvi_plugins.manifest.model import Limits
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.protocol.frames import Frame, FrameDirection

logger = logging.getLogger(__name__)

WRITE: Final = "rtvi_plugins.write"
"""The ASGI extension under which our server offers to write a message without waiting, where that can be."""

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
INTERNAL_ERROR: Final = 1011

YIELD_EVERY: Final = 64
"""Messages read in a row before other sessions get their turn."""
LARGE: Final = 16_384
"""Bytes of a message after which they get it at once."""


def _salvage(data: str | bytes) -> dict[str, str] | None:
    return wire.salvage(data) if isinstance(data, str) else codec.salvage_binary(data)


class Connection:
    """A processor's port to one client. `processor` is set right after both are made.

    extensions: of the ASGI scope; from our server, with `ABORT` and `WRITE`.
    """

    __slots__ = (
        "_abort", "_flusher", "_in_a_row", "_is_binary", "_is_closed", "_is_counted", "_is_flushing", "_is_kicked",
        "_is_reading", "_limits", "_out", "_out_bytes", "_receive", "_send", "_write", "_write_timer", "processor",
    )  # fmt: skip

    processor: RTVIProcessor

    def __init__(self, receive: Receive, send: Send, limits: Limits, extensions: Mapping[str, Any]) -> None:
        self._receive = receive
        self._send = send
        self._limits = limits
        self._abort: Callable[[], None] | None = extensions.get(ABORT)
        self._write: Callable[[bytes, bool], bool] | None = extensions.get(WRITE)
        self._out: deque[bytes] = deque()
        self._out_bytes = 0
        self._is_binary = False
        self._is_closed = False
        self._is_counted = False
        self._is_flushing = False
        self._is_kicked = False
        self._is_reading = True
        self._in_a_row = 0
        self._flusher: asyncio.Task[None] | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # -- in -----------------------------------------------------------------------------------------------------------

    async def receive(self) -> Message | None:
        """Give the client's next message; None once it has gone. What is no message is told and passed over."""
        while True:
            self._in_a_row += 1
            if self._in_a_row >= YIELD_EVERY:
                self._in_a_row = 0
                await asyncio.sleep(0)
            if self._out and not self._is_flushing:
                await self._flush()
            # From here to the next message nobody comes by to write: only now does `send` need a kick, a turn of the
            # loop. There must be no other `await` between the flush and this one.
            self._is_reading = True
            if self._is_counted:
                self._is_counted, self.processor.arriving = False, None
            event = await self._receive()
            self._is_reading = False
            if event["type"] != "websocket.receive" or self._is_closed:
                self._is_closed = True
                return None
            try:
                message = self._read(event)
            except InvalidJSONError as error:
                self._refuse(error.value, f"Invalid message: {error}", Code.INVALID_MESSAGE, str(error))
                continue
            except NoRoomError as error:
                self._refuse(error.value, str(error), Code.BUSY, "too many bytes of earlier messages wait")
                continue
            del event  # what may be large must not be held twice
            if message.__class__ is dict:
                return message
            if message is not None or not self._is_binary:
                self.processor.tell_invalid("expected an object")

    def _read(self, event: ASGIMessage) -> Message | None:
        text = event.get("text")
        limits = self._limits
        self._is_binary = text is None
        # The server's own bound is that of the most generous bot it serves.
        data = event["bytes"] if text is None else text
        if len(data) > LARGE:
            self._in_a_row = YIELD_EVERY
        if len(data) > COUNTED:
            self._count(data)
        if text is not None:
            return wire.decode(text, limits.max_depth, limits.max_nodes)  # type: ignore[no-any-return]
        return codec.read_binary(event["bytes"], limits.max_depth, limits.max_nodes)

    def _count(self, data: str | bytes) -> None:
        """Count a message that is not small. Raises InvalidJSONError, NoRoomError."""
        text, most = data if isinstance(data, bytes) else data.encode(), self._limits.max_message_bytes
        if len(text) > most:
            raise InvalidJSONError(f"larger than {most} bytes", _salvage(data))
        if not self.processor.hold_arriving(text):
            raise NoRoomError(_salvage(data))
        self._is_counted = True

    def _refuse(self, found: Any, text: str, code: Code, event: str) -> None:
        """Tell why a message is refused: by reply where an id could be read, else by an event."""
        id_ = found.get("id") if isinstance(found, dict) and found.get("label") == LABEL else None
        if isinstance(id_, str):
            self.processor.refuse(Request(id_), Refusal(text, code, Category.PROTOCOL))
        else:
            self.processor.tell_invalid(event)

    # -- out ----------------------------------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Write or queue one message for the client. Raises NotJSONError, having done nothing."""
        data = wire.encode(message)
        if self._is_closed:
            return
        if not self._out and self._write is not None:
            is_binary = self._is_binary
            if self._write(codec.write_binary(data) if is_binary else data, is_binary):
                return
        if not self._has_room_for(len(data)):
            logger.warning("session %s: the client does not read; closing", self.processor.session.id)
            self.abort()
            return
        self._out.append(compact(data))
        if self._is_reading and not self._is_kicked:
            self._is_kicked = True
            asyncio.get_running_loop().call_soon(self._kick)

    def _has_room_for(self, size: int) -> bool:
        """Count a message that has to wait for the client to read; False when too much waits already."""
        limits = self._limits
        if len(self._out) >= limits.max_outgoing or self._out_bytes + size > limits.max_outgoing_bytes:
            return False
        if not self._out:
            OUTGOING.add(size)  # one may always wait, however little the others read
        elif not OUTGOING.take(size, limits.max_outgoing_bytes_total):
            return False
        self._out_bytes += size
        return True

    def _forget_out(self) -> None:
        """Drop what waits to be written."""
        self._out.clear()
        OUTGOING.give_back(self._out_bytes)
        self._out_bytes = 0

    def _kick(self) -> None:
        """Write what the reading task has not written by itself."""
        self._is_kicked = False
        if self._out and not self._is_flushing and not self._is_closed:
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        self._is_flushing = True
        out = self._out
        try:
            while out and not self._is_closed:
                data = out[0]  # taken away once it is written: a cancelled task must not lose it
                event = (
                    {"type": "websocket.send", "bytes": codec.write_binary(data)}
                    if self._is_binary
                    else {"type": "websocket.send", "text": data.decode()}
                )
                rest = begin(self._send(event))  # type: ignore[arg-type]
                if rest is not None:
                    self._watch_write()
                    await rest
                if out:  # not when the connection was dropped meanwhile
                    del out[0]
                    self._out_bytes -= len(data)
                    OUTGOING.give_back(len(data))
                if rest is not None and self._write_timer is not None:
                    self._write_timer.cancel()
                    self._write_timer = None
        except Exception as error:  # noqa: BLE001 - servers differ in what they raise when the client has gone
            logger.debug("session %s: writing ended: %r", self.processor.session.id, error)
            self._is_closed = True
            self.processor.finish("disconnected")
        finally:
            self._is_flushing = False

    def _watch_write(self) -> None:
        self._write_timer = asyncio.get_running_loop().call_later(self._limits.send_timeout, self._drop_reader)

    def _drop_reader(self) -> None:
        """Close on a client that has not read for too long."""
        text = "session %s: the client has read nothing for %g s (send_timeout); closing"
        logger.warning(text, self.processor.session.id, self._limits.send_timeout)
        self.abort()

    # -- the rest of the port -----------------------------------------------------------------------------------------

    async def push_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Do nothing: this host has no pipeline."""

    async def apply(self, stage: str, field: str, value: Any) -> None:
        """Do nothing: this host has no stages; binding saw to it that none is bound."""

    async def interrupt(self) -> None:
        """Do nothing: this host plays no audio; the processor stopped its own turn."""

    async def say(self, text: str) -> None:
        """Do nothing: this host plays no audio."""

    async def end(self) -> None:
        """End the session; the endpoint closes the connection after what was sent."""
        self.processor.finish("ended")

    # -- closing ------------------------------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will be written."""
        return self._is_closed

    def abort(self) -> None:
        """Close at once, whether the client reads or not."""
        self._is_closed = True
        self._forget_out()
        self.processor.finish("failed")
        if self._abort is not None:
            self._abort()

    async def close(self, code: int, reason: str = "") -> None:
        """Write what is left and close with a WebSocket close code, if the client is still there."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self._is_closed:
            self._forget_out()
            return
        try:
            async with asyncio.timeout(self._limits.send_timeout):
                if self._flusher is not None:
                    await self._flusher
                await self._flush()
                if not self._is_closed:
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception as error:  # noqa: BLE001 - the client has gone, which is what was wanted
            logger.debug("session %s: closing ended: %r", self.processor.session.id, error)
            self.abort()
        self._is_closed = True
        self._forget_out()
