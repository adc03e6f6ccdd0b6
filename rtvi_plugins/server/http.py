"""uvicorn's HTTP protocol with time limits: for a request to come in, and for its answer to be taken.

What of uvicorn it relies on stands in `seams`. Source: RFC 9110, 15.5.9 (408), RFC 6585, 4 and 5 (429, 431).
"""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from rtvi_plugins.hosting.addresses import PLACE, TOO_MANY, Addresses, Place
from rtvi_plugins.hosting.admission import Denied
from rtvi_plugins.hosting.notices import tell_limit
from rtvi_plugins.protocol import wire

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as _Base
else:
    _Base = object

PHRASES: Final = {408: "Request Timeout", 429: "Too Many Requests", 431: "Request Header Fields Too Large"}
MAX_HEADERS: Final = 65_536
"""Bytes of a request's headers that are taken while they are not whole."""


class Bounds(NamedTuple):
    """What holds for every connection of a server. Times are in seconds."""

    header_timeout: float
    body_timeout: float
    send_timeout: float
    addresses: Addresses


class Phase(enum.Enum):
    """What a connection waits for: a request's headers, its body, or that its answer is made and taken."""

    HEADERS = "headers"
    BODY = "body"
    ANSWER = "answer"
    NOTHING = "nothing"  # it carries a WebSocket by now


class Drain:
    """Drops a closing connection whose client takes nothing more of what is left for it.

    A transport that is closed waits for that without end.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        self._transport = transport
        self._loop = loop
        self._timeout = timeout
        self._left = transport.get_write_buffer_size()
        self._timer = loop.call_later(timeout, self._look)

    def _look(self) -> None:
        left = self._transport.get_write_buffer_size()
        if not left:
            return
        if left >= self._left:
            tell_limit(
                "send_timeout", f"dropped a closing connection: its client has read nothing for {self._timeout:g} s"
            )
            self._transport.abort()
        else:
            self._left = left
            self._timer = self._loop.call_later(self._timeout, self._look)

    def cancel(self) -> None:
        """Look no more: the connection is gone."""
        self._timer.cancel()


class BoundedHTTP(_Base):
    """What is laid over a protocol class of uvicorn's (`bounded`)."""

    bounds: ClassVar[Bounds]

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        self._place = Place(self.bounds.addresses)
        # uvicorn gives the state to every scope, and to the protocol that takes over for a WebSocket.
        super().__init__(config, server_state, {**app_state, PLACE: self._place}, _loop)
        self._timer: asyncio.TimerHandle | None = None
        self._drain: Drain | None = None
        self._mark: tuple[Phase, Any] = (Phase.ANSWER, None)
        self._has_begun = False
        self._headers = 0
        self._unsent = 0

    def connection_made(self, transport: Any) -> None:
        """Count the connection for its address, or refuse it; then its first request has to come."""
        super().connection_made(transport)
        if self.client is None or self._place.move(self.client[0]):
            self._look()
        else:
            self._refuse(Denied(429, TOO_MANY))

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of all that was kept for the connection."""
        self._stop()
        if self._drain is not None:
            self._drain.cancel()
        self._place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see what has to come next."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._has_begun = True
        self._look()
        self._headers = self._headers + len(data) if self._mark[0] is Phase.HEADERS else 0
        if self._headers > MAX_HEADERS and not self.transport.is_closing():
            self._refuse(Denied(431, f"The headers are larger than {MAX_HEADERS} bytes"))

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._has_begun = False
        self._look()

    def handle_websocket_upgrade(self, *request: Any) -> None:
        """Leave the connection to the protocol for WebSockets, which has time limits of its own."""
        self._stop()
        self._mark = (Phase.NOTHING, None)
        super().handle_websocket_upgrade(*request)

    # -- time ---------------------------------------------------------------------------------------------------------

    def _phase(self) -> Phase:
        cycle = self.cycle
        if cycle is not None:
            if cycle.more_body:
                return Phase.BODY
            if not cycle.response_complete:
                return Phase.ANSWER
        return Phase.HEADERS

    def _look(self) -> None:
        """Start the clock of what the connection waits for, unless it runs already."""
        mark = (self._phase(), self.cycle)
        if mark != self._mark and self._mark[0] is not Phase.NOTHING:
            self._mark = mark
            self._start()

    def _start(self) -> None:
        self._stop()
        bounds, phase = self.bounds, self._mark[0]
        seconds = {Phase.HEADERS: bounds.header_timeout, Phase.BODY: bounds.body_timeout}.get(phase)
        self._unsent = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(bounds.send_timeout if seconds is None else seconds, self._expire, phase)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self, phase: Phase) -> None:
        self._timer = None
        if self.transport.is_closing():
            self._close()
        elif phase is Phase.ANSWER:
            self._look_at_reader()
        elif phase is Phase.HEADERS:
            if self._has_begun or self.cycle is None:  # else it is one that is kept open for later
                text = f"closed a connection from {self._place.address} whose request did not come"
                tell_limit("header_timeout", f"{text} within {self.bounds.header_timeout:g} s")
            self._close()
        else:
            seconds = f"{self.bounds.body_timeout:g} s"
            tell_limit(
                "body_timeout", f"closed a connection from {self._place.address} whose body did not come in {seconds}"
            )
            self._give_up_body(f"The body did not come within {seconds}")

    def _give_up_body(self, text: str) -> None:
        cycle = self.cycle
        if cycle.response_started:
            self._close()
            return
        cycle.disconnected = True  # whoever reads the body is told that the client has gone
        cycle.message_event.set()
        self._refuse(Denied(408, text))

    def _look_at_reader(self) -> None:
        """Drop the connection where its client has taken nothing of an answer that waits for it."""
        if self.flow.write_paused and self.transport.get_write_buffer_size() >= self._unsent > 0:
            tell_limit("send_timeout", f"a client has read nothing for {self.bounds.send_timeout:g} s; closing")
            self.transport.abort()
        else:
            self._start()

    def resume_writing(self) -> None:
        """Let the application write again: the client reads."""
        self._unsent = 0
        super().resume_writing()

    def _refuse(self, denied: Denied) -> None:
        """Answer past the application, and close."""
        body = wire.encode(denied.body)
        head = f"HTTP/1.1 {denied.status} {PHRASES[denied.status]}\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self._close()

    def _close(self) -> None:
        self._stop()
        self.transport.close()
        if self._drain is None and self.transport.get_write_buffer_size():
            self._drain = Drain(self.transport, self.loop, self.bounds.send_timeout)


def bounded(bounds: Bounds, base: type[asyncio.Protocol] | None = None) -> type[asyncio.Protocol]:
    """Make the protocol class of a server. `base`: of uvicorn's; left out, the quickest that is installed."""
    return type("HTTPProtocol", (BoundedHTTP, base or AutoHTTPProtocol), {"bounds": bounds})
