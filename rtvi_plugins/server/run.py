"""Running the standalone host: uvicorn, set up for many quiet sessions, stopped gracefully."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, Literal

import uvicorn

from rtvi_plugins.hosting.addresses import Addresses, PerAddress
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.http import Bounds, bounded
from rtvi_plugins.server.routes import Page, create_app
from rtvi_plugins.server.websocket import WebSocketProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from rtvi_plugins.manifest.model import Limits

logger = logging.getLogger(__name__)

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 7860


LATE_S: Final = 0.25
"""How long those are waited for who connected just before another process took over, and have yet to say what for."""


class Server(uvicorn.Server):
    """uvicorn's server, which ends sessions before it closes connections.

    stop:       ends them; not called when the server is made to stop at once.
    on_started: is told the address.
    limits:     of the bots that it serves.
    is_restarting: whether another process goes on with the same sockets once this server has stopped.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        stop: Callable[[], Awaitable[object]],
        on_started: Callable[[str], None],
        limits: Iterable[Limits],
        is_restarting: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(config)
        self._is_restarting = is_restarting
        self.stop_timeout = max(one.stop_timeout for one in limits)
        """Seconds that handlers may go on for once the server was asked to stop."""
        self._stop = stop
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell the address."""
        await super().startup(sockets=sockets)
        if self.started:
            name, port = next(s for server in self.servers for s in server.sockets).getsockname()[:2]
            self._on_started(f"http://{f'[{name}]' if ':' in name else name}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the sessions gracefully, then the server."""
        if self._is_restarting():
            for server in self.servers:
                server.close()  # who connects from now on waits for the process that takes over
        if not self.force_exit:
            await self._stop()
            if self._is_restarting():
                await asyncio.sleep(LATE_S)
        await super().shutdown(sockets=sockets)


def make_server(
    hosts: Iterable[BotHost],
    *,
    page: Page | None = None,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    on_started: Callable[[str], None] = logger.info,
) -> Server:
    """Make the server; `run()` or `await serve()` it. `port` 0 picks a free one; `on_started` is told the address.

    page: what people get at `/`.
    """
    hosts = tuple(hosts)

    async def stop() -> None:
        await asyncio.gather(*(host.stop() for host in hosts))

    limits = [host.limits for host in hosts]
    config = configure(create_app(hosts, page), limits, host=host, port=port, lifespan="off")
    return Server(config, stop, on_started, limits, lambda: any(host.is_restarting for host in hosts))


def bounds_of(limits: Iterable[Limits]) -> Bounds:
    """Return what holds for the connections of a server by the limits of its bots: what the most generous allows."""
    limits = tuple(limits)
    most = [one.connections_per_address for one in limits]
    return Bounds(
        max(one.header_timeout for one in limits),
        max(one.body_timeout for one in limits),
        max(one.send_timeout for one in limits),
        Addresses(sum(most) if all(most) else 0),
    )


def configure(
    app: ASGIApp,
    limits: Iterable[Limits],
    *,
    lifespan: Literal["on", "off"],
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
) -> uvicorn.Config:
    """Set uvicorn up for an application.

    limits:   of the bots that it serves.
    lifespan: whether the application wants to know of the server's start and end.
    """
    limits = tuple(limits)
    most_receiving = max(one.max_receiving_bytes_total for one in limits)
    bounds = bounds_of(limits)
    return uvicorn.Config(
        PerAddress(app),
        host=host,
        port=port,
        interface="asgi3",
        http=bounded(bounds),
        ws=type("WebSocketProtocol", (WebSocketProtocol,), {"most_receiving": most_receiving, "bounds": bounds}),
        ws_max_size=max(one.max_message_bytes for one in limits),
        ws_per_message_deflate=False,  # it triples a session's memory
        ws_ping_interval=30,
        ws_ping_timeout=30,
        lifespan=lifespan,
        log_config=None,
        log_level="warning",  # at "info" uvicorn writes whole addresses, tokens included
        access_log=False,
        server_header=False,
        # The bots' sessions have ended before this begins; what is left are answers on their way and idle connections.
        timeout_graceful_shutdown=max(5, *(math.ceil(one.stop_timeout) for one in limits)),
    )
