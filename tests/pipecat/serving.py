"""A bot's sessions behind the gate, on a real socket in the test's own loop: what the runner's application does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pipecat.runner.types import WebSocketRunnerArguments
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from rtvi_plugins import Bot
from rtvi_plugins.cli.connecting import connected
from rtvi_plugins.cli.target import Target
from rtvi_plugins.hosting.admission import Admission
from rtvi_plugins.pipecat.bot import Sessions
from rtvi_plugins.pipecat.gate import Gate, arrival
from rtvi_plugins.server.run import Server, configure


class Serving:
    """A running bot. `address`: `http://…`; `sessions`: its sessions, in this loop."""

    def __init__(self, sessions: Sessions, body: Mapping[str, Any] | None) -> None:
        self.sessions = sessions
        self.address = ""
        self._body = body

    @property
    def ws(self) -> str:
        return self.address.replace("http", "ws", 1)

    def client(self, path: str = "/ws-client", *, legacy: bool = False, **connecting: Any) -> Any:
        """Connect a client that speaks JSON."""
        return connected(Target(f"{self.ws}{path}", must_start=False), legacy=legacy, timeout_s=10, **connecting)

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        transport_type = "websocket" if websocket.url.path.startswith("/ws-client") else None
        body = {} if self._body is None else dict(self._body)
        await self.sessions.serve(WebSocketRunnerArguments(websocket, transport_type, body=body, session_id="s1"))


async def _told(request: Request) -> JSONResponse:
    """Say what the gate left for the session to come, and what came through."""
    arrived = arrival.get()
    body = (await request.body()).decode()
    told = {"path": request.url.path, "caller": arrived and list(arrived.caller), "body": body}
    start = {} if arrived is None else {"data": json.loads(arrived.start.data or b"{}"), "config": arrived.start.config}
    return JSONResponse(told, headers={"x-start": json.dumps(start, default=dict)})


async def _start(request: Request) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"sessionId": f"session-of-{body['transport']}"}, headers={"x-asked": json.dumps(body)})


def inner(serving: Serving) -> Starlette:
    """Make an application with the paths of the runner's."""
    paths = ("/api/offer", "/sessions/{id}/api/offer", "/docs", "/daily")
    return Starlette(
        routes=[
            *(WebSocketRoute(path, serving.connect) for path in ("/ws", "/ws/{token}")),
            *(WebSocketRoute(path, serving.connect) for path in ("/ws-client", "/ws-client/{token}")),
            Route("/start", _start, methods=["POST"]),
            *(Route(path, _told, methods=["GET", "POST", "PATCH"]) for path in paths),
            *(Route(path, lambda _: PlainTextResponse("theirs")) for path in ("/", "/client/", "/status")),
        ]
    )


@asynccontextmanager
async def serve(
    bot: Bot,
    *,
    body: Mapping[str, Any] | None = None,
    is_gated: bool = True,
    transport: str | None = None,
    routes: tuple[BaseRoute, ...] = (),
) -> AsyncIterator[Serving]:
    """Serve a bot on a free port. `body`: what the runner hands to each session."""
    sessions = Sessions(bot)
    serving = Serving(sessions, body)
    admission = Admission(bot)
    app: Any = inner(serving)
    if is_gated:
        app = Gate(app, admission, sessions=sessions.__len__, transport=transport, routes=routes)

    async def stop() -> None:
        admission.is_stopping = True
        await sessions.stop()

    started = asyncio.Event()

    def on_started(address: str) -> None:
        serving.address = address
        started.set()

    limits = [bot.manifest.runtime.limits]
    server = Server(configure(app, limits, lifespan="off", port=0), stop, on_started, limits)
    running = asyncio.create_task(server.serve())
    try:
        await asyncio.wait_for(started.wait(), 10)
        yield serving
    finally:
        server.should_exit = True
        await running
