"""uvicorn's WebSocket protocol, made quicker, smaller and safer. What it adds is offered in the scope."""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from rtvi_plugins.hosting.addresses import PLACE, Addresses, Place
from rtvi_plugins.hosting.answers import ABORT
from rtvi_plugins.hosting.receiving import Part
from rtvi_plugins.manifest.model import Limits
from rtvi_plugins.processor.memory import OUTGOING, WAITING
from rtvi_plugins.server.connection import WRITE
from rtvi_plugins.server.http import Bounds, Drain

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

MOST_PARTS: Final = 1024
"""Parts of one incoming message that are kept before they are joined."""

MOST_UNREAD: Final = 16
"""Messages of a client that wait to be read before the socket is left alone for a while."""

NOT_UTF8: Final = 1007

SMALL: Final = 4096
"""Bytes of a message that may wait beside others; after a larger one, the socket is left alone at once."""

PART: Final = 64
"""What each part of a message takes beside its bytes."""

TRY_AGAIN_LATER: Final = 1013
"""The close code for a client for whose message there is no room."""


CLOSING_S: Final = 2.0
"""How long a client may take to answer a close frame before the connection is closed all the same."""


class Inbox:
    """What uvicorn needs of `asyncio.Queue` for its one reader, in a tenth of the memory and half of the time.

    large: bytes of large messages that wait; `on_emptied` is called once none does.
    """

    __slots__ = ("_loop", "_next", "_on_emptied", "_unread", "_waiter", "large")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_emptied: Callable[[], None]) -> None:
        self._loop = loop
        self._on_emptied = on_emptied
        self.large = 0
        self._unread: list[Any] = []
        self._next = 0  # taking the first of a long list away would move all the others
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._unread) - self._next

    def empty(self) -> bool:
        """Whether nothing waits."""
        return self._next == len(self._unread)

    def put_nowait(self, event: Any) -> None:
        """Add an event."""
        self._unread.append(event)
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def get(self) -> Any:
        """Take the oldest event, once there is one."""
        unread = self._unread
        while self._next == len(unread):
            waiter = self._waiter = self._loop.create_future()
            await waiter
        event = unread[self._next]
        self._next += 1
        if self._next == len(unread):
            unread.clear()
            self._next = 0
            if self.large:
                self.large = 0
                self._on_emptied()
        else:
            unread[self._next - 1] = None
        return event


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's sans-I/O protocol, with two things more for the endpoint.

    It can drop a client that does not read, and write a message without waiting where there is nothing to wait for.
    Beyond that it closes what uvicorn leaves open: memory that a client can fill with parts of messages or with pings.
    """

    most_receiving: ClassVar[int] = Limits().max_receiving_bytes_total
    """Bytes of all clients that may wait for the rest of their message."""
    bounds: ClassVar[Bounds] = Bounds(
        Limits().header_timeout, Limits().body_timeout, Limits().send_timeout, Addresses(0)
    )

    _late_pongs = b""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = CLOSING_S
        self._place: Place | None = app_state.get(PLACE)  # taken over from the connection's HTTP
        self._drain: Drain | None = None
        self._inbox = Inbox(self.loop, self._count)
        self.queue = cast("asyncio.Queue[Any]", self._inbox)
        self._part: Part | None = None
        self._unread = 0  # bytes of complete messages, and those not written yet, as they are counted
        self._unsent = 0

    def handle_connect(self, event: Any) -> None:
        """Add what the endpoint may use to the scope, before it sees it."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = cast("dict[str, Any]", self.scope["extensions"])
            extensions[ABORT] = self.transport.abort
            if not self.conn.extensions:  # else messages would have to be compressed
                write: Callable[[bytes, bool], bool] = self.write
                extensions[WRITE] = write

    async def run_asgi(self) -> None:
        """Run the application; an opening handshake that it refused with an answer of its own is complete, too."""
        app = self.app

        async def answering(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)
            if self.initial_response is not None:
                self.handshake_complete = True

        self.app = answering
        try:
            await super().run_asgi()
        finally:
            self._see_off()

    def _see_off(self) -> None:
        """See to it that a connection which the server is done with ends, whether its client reads or not."""
        if not self.disconnected and self._drain is None:
            self._drain = Drain(self.transport, self.loop, self.bounds.send_timeout)

    def keepalive_timeout(self) -> None:
        """End a connection whose client has not answered a ping; what it has not read is for nobody."""
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    # -- in -----------------------------------------------------------------------------------------------------------

    def send_receive_event_to_app(self) -> None:
        """Hand a message on, as uvicorn does; but what is no UTF-8 ends the connection and is no error of ours.

        Reading pauses while many messages wait; for each single one, that would take two system calls.
        """
        frames, self.frames = self.frames, []
        if self.close_sent:  # what comes until the client's own close
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        if self.curr_msg_data_type == "text":
            try:
                self.queue.put_nowait({"type": "websocket.receive", "text": data.decode()})
            except UnicodeDecodeError:
                logger.debug("a client sent text that is not UTF-8; closing")
                if self.conn.close_sent is None:  # else the client's own close came with it, and was answered
                    self.conn.send_close(NOT_UTF8)
                self.handle_parser_exception()
                return
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})
        if len(data) > SMALL:
            self._inbox.large += len(data)
        if not self.read_paused and (len(data) > SMALL or len(self._inbox) >= MOST_UNREAD):
            self.read_paused = True
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent, and count what of it has to wait."""
        super().data_received(data)
        if self.frames or self._part is not None or self._unread or self._inbox.large or self.conn.reader.buffer:
            self._count()

    def _count(self) -> None:
        """Count what waits of this client: of complete messages there is one, and what came with it."""
        WAITING.give_back(self._unread)
        self._unread = self._inbox.large
        WAITING.add(self._unread)
        begun = sum(map(len, self.frames)) + PART * len(self.frames) + len(self.conn.reader.buffer)
        if begun > SMALL:
            self._part = self._part or Part(self._drop_part)
            self._part.resize(begun, self.most_receiving)
        elif self._part is not None:
            self._part.release()
            self._part = None

    def _drop_part(self) -> None:
        """Let go of what has come of a message, and of its client."""
        self.frames = []
        if not (self.close_sent or self.transport.is_closing()):
            self.conn.fail(TRY_AGAIN_LATER, "too many bytes of unfinished messages")
            self.handle_parser_exception()
        self.conn.reader.buffer.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what waited."""
        super().connection_lost(exc)
        if self._drain is not None:
            self._drain.cancel()
        if self._place is not None:
            self._place.leave()
        if self._part is not None:
            self._part.release()
        WAITING.give_back(self._unread)
        OUTGOING.give_back(self._unsent)
        self._unread = self._unsent = 0

    def handle_cont(self, event: Any) -> None:
        """Join the parts of a message from time to time: parts may be empty, so their number has no bound."""
        if len(self.frames) >= MOST_PARTS:
            self.frames = [b"".join(self.frames)]
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping; while the client does not read, only the latest (RFC 6455, 5.5.3)."""
        pongs = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pongs)
        elif pongs:
            self._late_pongs = pongs

    # -- out ----------------------------------------------------------------------------------------------------------

    def write(self, payload: bytes, is_binary: bool) -> bool:
        """Write a message at once, in one frame (RFC 6455, 5.2).

        False where that cannot be: the client does not read, or the connection is being closed. Then `send` waits, or
        says so.
        """
        if not self.writable.is_set() or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        first = 0x82 if is_binary else 0x81
        size = len(payload)
        if size < 126:
            head = bytes((first, size))
        elif size < 65_536:
            head = struct.pack("!BBH", first, 126, size)
        else:
            head = struct.pack("!BBQ", first, 127, size)
        self.transport.write(head + payload)
        return True

    def pause_writing(self) -> None:
        """Let the application wait, and count what waits for the client to read: one message."""
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        OUTGOING.add(self._unsent)

    def resume_writing(self) -> None:
        """Let the application write again, after the pong that waited."""
        OUTGOING.give_back(self._unsent)
        self._unsent = 0
        if self._late_pongs:
            pongs, self._late_pongs = self._late_pongs, b""
            self.transport.write(pongs)
        super().resume_writing()
