"""The two servers, each in a process of its own: `python -m benchmarks.servers ours|bare`; and how to run one.

Both are uvicorn with its sans-I/O WebSocket implementation on uvloop, without compression, and tell their own figures
at `/figures`. The bare one has two endpoints: `/ws` answers with the floor, talking ASGI without any layer; `/echo` is
what one writes with Starlette.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from benchmarks import bot as measured
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.codec import Frame
from rtvi_plugins.server.run import make_server


async def figures(_request: Request) -> JSONResponse:
    """Tell the CPU time this process used, in seconds, and the memory it holds, in KiB."""
    return JSONResponse({"cpu_s": time.process_time(), "rss_kib": _rss_kib()})


async def collect(request: Request) -> JSONResponse:
    """Collect garbage, then tell the figures."""
    gc.collect()
    return await figures(request)


def _rss_kib() -> float:
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # only grows, which serves as well here


class Floor:
    """Answers with the floor, straight from ASGI event to ASGI event."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 - ASGI
        """Serve one connection."""
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            text = event.get("text")
            if text is not None:
                answer = await _floor(text)
                await send({"type": "websocket.send", "text": answer.decode()})
            else:
                answer = await _floor(Frame.FromString(event["bytes"]).message.data)
                await send({"type": "websocket.send", "bytes": Frame(message={"data": answer}).SerializeToString()})


async def _floor(text: str) -> bytes:
    floor = measured.floor_action if '"type":"action"' in text[:40] else measured.floor_client_message
    return await floor(text)


async def echo(websocket: WebSocket) -> None:
    """Send back what comes."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def bare_server() -> uvicorn.Server:
    """Make the bare server."""
    app = Starlette(routes=[WebSocketRoute("/ws", Floor()), WebSocketRoute("/echo", echo)])
    config = uvicorn.Config(
        app, port=0, ws="websockets-sansio", ws_per_message_deflate=False, lifespan="off", log_config=None,
        access_log=False, server_header=False,
    )  # fmt: skip
    return uvicorn.Server(config)


def our_server() -> uvicorn.Server:
    """Make the server that `rtvi run` starts."""
    return make_server([BotHost(measured.load())], port=0)


async def _serve(server: uvicorn.Server) -> None:
    app: Any = server.config.app
    app.router.routes[:0] = [Route("/figures", figures), Route("/collect", collect)]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            return await serving
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(port, flush=True)
    await serving
    return None


@dataclass(frozen=True, slots=True)
class Running:
    """A server in its process."""

    port: int

    def figures(self, *, collected: bool = False) -> dict[str, float]:
        """Ask for `cpu_s` and `rss_kib`, after a garbage collection if wanted."""
        url = f"http://127.0.0.1:{self.port}/{'collect' if collected else 'figures'}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return dict(json.load(answer))


@contextmanager
def running(which: str) -> Iterator[Running]:
    """Run `ours` or `bare` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.servers", which]
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the server {which!r} did not start")
            yield Running(int(line))
        finally:
            process.terminate()


if __name__ == "__main__":
    uvloop.run(_serve({"ours": our_server, "bare": bare_server}[sys.argv[1]]()))
