"""The paths of the standalone host: which bot answers where, and what is answered where none does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute

from rtvi_plugins.server import access
from rtvi_plugins.server.app import UNSERVED, BotHost, Denied, refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp


def create_app(hosts: Iterable[BotHost]) -> Starlette:
    """Serve bots: each under `/bots/<name>/`, and a single one at the root as well."""
    by_name = {host.bot.name: host for host in hosts}

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    def is_meant_for_us(request: Request) -> bool:
        names = tuple(name for host in by_name.values() for name in host.hosts)
        return access.is_host_allowed(request.headers.get("host", ""), names)

    async def ready(request: Request) -> JSONResponse:
        if not is_meant_for_us(request):
            return refused(Denied(403, UNSERVED))
        is_ready = not any(host.is_stopping for host in by_name.values())
        sessions = {name: len(host.connections) for name, host in by_name.items()}
        return JSONResponse({"ready": is_ready, "sessions": sessions}, 200 if is_ready else 503)

    async def index(request: Request) -> JSONResponse:
        if not is_meant_for_us(request):
            return refused(Denied(403, UNSERVED))
        return JSONResponse({"bots": [host.describe(f"/bots/{name}") for name, host in by_name.items()]})

    routes: list[Any] = [Route("/health", health), Route("/ready", ready), Route("/", index)]
    if len(by_name) == 1:
        routes += _routes(*by_name.values())
    origins = [origin for host in by_name.values() for origin in host.origins]
    mounts = [Mount(f"/bots/{name}", _serve(_routes(host), host.origins)) for name, host in by_name.items()]
    app = Starlette(routes=[*mounts, Mount("/", _serve(routes, origins))])
    app.state.hosts = tuple(by_name.values())
    return app


def _routes(host: BotHost) -> list[Any]:
    return [
        WebSocketRoute("/ws", host),  # any ASGI application serves
        Route("/start", host.start, methods=["POST"]),
        Route("/connect", host.start, methods=["POST"]),
        Route("/action", host.act, methods=["POST"]),
    ]


def _serve(routes: list[Any], origins: Iterable[str]) -> ASGIApp:
    """Serve routes; pages of these origins may read every answer, also that there is nothing at a path."""
    return CORSMiddleware(
        ExceptionMiddleware(Router(routes), {HTTPException: _not_served}),
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        max_age=600,
    )


async def _not_served(_request: Request, error: Exception) -> Response:
    """Answer what no route serves (404, 405), readably for the JavaScript clients."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse(Denied(error.status_code, error.detail).body, error.status_code, error.headers)
