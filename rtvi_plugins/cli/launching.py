"""Serving a bot with `pipeline:`: Pipecat's runner on our sockets, with our signals.

Imports Pipecat: only `rtvi run` imports this, for a manifest that needs it.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from starlette.routing import Route

from rtvi_plugins.cli import serving
from rtvi_plugins.console.page import Console
from rtvi_plugins.pipecat.launch import CannotLaunchError, launch
from rtvi_plugins.server.run import Server, configure

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from rtvi_plugins.binding import Bot
    from rtvi_plugins.hosting.succession import Successor

__all__ = ["CannotLaunchError", "serve_pipeline"]


def serve_pipeline(
    bot: Bot,
    sockets: list[socket.socket],
    tell: Callable[[str], None],
    until: Callable[[], Awaitable[None]] | None = None,
    give_up: Callable[[], object] = serving.end_as_asked,
    *,
    host: str,
    transport: str | None = None,
    proxy: str | None = None,
    origins: Iterable[str] = (),
    hosts: Iterable[str] = (),
    with_console: bool = True,
    successor: Successor | None = None,
) -> None:
    """Serve a bot on the Pipecat host until a signal comes or `until` is over; see `serving.serve`.

    host: the name under which the sockets were bound.
    transport, proxy, origins, hosts, successor: as for `launch`.
    with_console: whether the console is at `/`; without it, that is where Pipecat's runner has its own page.
    Raises CannotLaunchError.
    """
    routes: list[Route] = []
    if with_console:
        console = Console()
        routes = [Route("/", console.index), Route("/assets/{name}", console.asset)]

    def serve_app(app: ASGIApp, stop: Callable[[], Awaitable[None]]) -> None:
        limits = [bot.manifest.runtime.limits]
        config = configure(app, limits, lifespan="on")
        is_restarting = successor.is_waiting if successor else lambda: False
        serving.serve(
            lambda on_started: Server(config, stop, on_started, limits, is_restarting), sockets, tell, until, give_up
        )

    launch(
        bot,
        serve_app,
        host=host,
        port=sockets[0].getsockname()[1],
        transport=transport,
        proxy=proxy,
        origins=origins,
        hosts=hosts,
        routes=routes,
        successor=successor,
    )
