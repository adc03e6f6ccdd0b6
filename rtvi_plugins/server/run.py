"""Running the standalone host: uvicorn, set up for many quiet sessions, stopped gracefully."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from rtvi_plugins.server.app import ABORT, BotHost
from rtvi_plugins.server.routes import create_app

logger = logging.getLogger(__name__)

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 7860

MOST_PARTS: Final = 1024
"""Parts of one incoming message that are kept before they are joined."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's sans-I/O protocol, which also lets the application drop a client that does not read.

    Beyond that it closes what uvicorn leaves open: memory that a client can fill with parts of messages or with pings.
    """

    _late_pongs = b""

    def handle_connect(self, event: Any) -> None:
        """Add the way out to the scope, before the application sees it."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = cast("dict[str, Any]", self.scope["extensions"])
            extensions[ABORT] = self.transport.abort

    async def run_asgi(self) -> None:
        """Run the application; an opening handshake that it refused with an answer of its own is complete, too."""
        app = self.app

        async def answering(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)
            if self.initial_response is not None:
                self.handshake_complete = True

        self.app = answering
        await super().run_asgi()

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

    def resume_writing(self) -> None:
        """Let the application write again, after the pong that waited."""
        if self._late_pongs:
            pongs, self._late_pongs = self._late_pongs, b""
            self.transport.write(pongs)
        super().resume_writing()


class Server(uvicorn.Server):
    """uvicorn's server, which ends sessions before it closes connections."""

    def __init__(self, config: uvicorn.Config, hosts: tuple[BotHost, ...], on_started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._hosts = hosts
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell the address."""
        await super().startup(sockets=sockets)
        if self.started:
            name, port = next(s for server in self.servers for s in server.sockets).getsockname()[:2]
            self._on_started(f"http://{f'[{name}]' if ':' in name else name}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop every bot gracefully, then the server."""
        if not self.force_exit:
            await asyncio.gather(*(host.stop() for host in self._hosts))
        await super().shutdown(sockets=sockets)


def make_server(
    hosts: Iterable[BotHost],
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    on_started: Callable[[str], None] = logger.info,
) -> Server:
    """Make the server; `run()` or `await serve()` it. `port` 0 picks a free one; `on_started` is told the address."""
    hosts = tuple(hosts)
    config = uvicorn.Config(
        create_app(hosts),
        host=host,
        port=port,
        ws=WebSocketProtocol,
        ws_max_size=max(h.limits.max_message_bytes for h in hosts),
        ws_per_message_deflate=False,  # it triples a session's memory
        ws_ping_interval=30,
        ws_ping_timeout=30,
        lifespan="off",
        log_config=None,
        log_level="warning",  # at "info" uvicorn writes whole addresses, tokens included
        access_log=False,
        server_header=False,
        # The bots' sessions have ended before this begins; what is left are answers on their way and idle connections.
        timeout_graceful_shutdown=max(5, *(math.ceil(h.limits.stop_timeout) for h in hosts)),
    )
    return Server(config, hosts, on_started)
