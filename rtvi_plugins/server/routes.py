"""The paths of the standalone host: which bot answers where, and what is answered where none does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute

from rtvi_plugins.hosting import access
from rtvi_plugins.hosting.admission import UNSERVED, Denied
from rtvi_plugins.hosting.preflight import Preflight
from rtvi_plugins.server.app import BotHost, refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp


class Page(Protocol):
    """The page that people get at `/`, and below `/assets/` what it loads."""

    def index(self, request: Request) -> Response:
        """Answer `GET /`."""

    def asset(self, request: Request) -> Response:
        """Answer `GET /assets/{name}`, with the name in `path_params`."""


def create_app(hosts: Iterable[BotHost], page: Page | None = None) -> Starlette:
    """Serve bots: each under `/bots/<name>/`, and a single one at the root as well.

    page: what people get at `/`, of the server and of each bot; programs that ask for JSON get the list of bots.
    """
    hosts = tuple(hosts)
    by_name = {host.bot.name: host for host in hosts}
    index = partial(_index, hosts, page)

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        if not _is_meant_for(hosts, request):
            return _unserved(hosts, request)
        is_ready = not any(host.is_stopping for host in by_name.values())
        sessions = {name: len(host.connections) for name, host in by_name.items()}
        return JSONResponse({"ready": is_ready, "sessions": sessions}, 200 if is_ready else 503)

    assets = [] if page is None else [Route("/assets/{name}", page.asset)]
    routes: list[Any] = [Route("/health", health), Route("/ready", ready), Route("/", index(hosts)), *assets]
    if len(by_name) == 1:
        routes += _routes(*by_name.values())
    mounts: list[Any] = []
    for name, host in by_name.items():
        own = [*_routes(host), Route("/", index((host,))), *assets]
        mounts += [Mount(f"/bots/{name}", _serve(own, (host,))), Route(f"/bots/{name}", _to_folder)]
    app = Starlette(routes=[*mounts, Mount("/", _serve(routes, tuple(by_name.values())))])
    app.state.hosts = hosts
    return app


def _is_meant_for(hosts: Iterable[BotHost], request: Request) -> bool:
    """Whether a request names a server that one of these bots answers for."""
    names = tuple(name for host in hosts for name in host.hosts)
    return access.is_host_allowed(request.headers.get("host", ""), names)


def _unserved(hosts: Iterable[BotHost], request: Request) -> Response:
    """Refuse a request that names another server."""
    for host in hosts:
        host.tell_unserved(request.headers.get("host", ""))
        break
    return refused(Denied(403, UNSERVED))


def _index(
    hosts: Iterable[BotHost], page: Page | None, listed: Iterable[BotHost]
) -> Callable[[Request], Awaitable[Response]]:
    """Make what answers `GET /`: the page, and for programs the bots that are listed there."""

    async def index(request: Request) -> Response:
        if not _is_meant_for(hosts, request):
            return _unserved(hosts, request)
        if page is not None and not access.wants_json(request.headers):
            return page.index(request)
        bots = [host.describe(f"/bots/{host.bot.name}", request.headers) for host in listed]
        return JSONResponse({"bots": bots}, headers={"cache-control": "no-store", "vary": "Accept"})

    return index


async def _to_folder(request: Request) -> Response:
    """Send who left out the last slash to the address with it: what a page names is relative to that."""
    return RedirectResponse(f"{request.url.path.rpartition('/')[2]}/", 307)


def _routes(host: BotHost) -> list[Any]:
    return [
        WebSocketRoute("/ws", host),  # any ASGI application serves
        Route("/start", host.start, methods=["POST"]),
        Route("/connect", host.start, methods=["POST"]),
        Route("/action", host.act, methods=["POST"]),
    ]


def _serve(routes: list[Any], hosts: tuple[BotHost, ...]) -> ASGIApp:
    """Serve routes; pages that these bots admit may read every answer, also that there is nothing at a path."""
    served = CORSMiddleware(
        ExceptionMiddleware(Router(routes), {HTTPException: _not_served}),
        allow_origins=[origin for host in hosts for origin in host.origins],
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        max_age=600,
    )
    return Preflight(served, hosts)


async def _not_served(_request: Request, error: Exception) -> Response:
    """Answer what no route serves (404, 405), readably for the JavaScript clients."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse(Denied(error.status_code, error.detail).body, error.status_code, error.headers)
