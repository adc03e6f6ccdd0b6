"""The two servers, each run in a process of its own: `python -m benchmarks.ours.servers ours|bare`.

Both are uvicorn with its sans-I/O WebSocket implementation on uvloop, without compression, and tell their own figures
when they are asked (see `peers/talking.py`). The bare one routes with Starlette and answers with the floor, straight
from ASGI event to ASGI event.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from benchmarks import bot as measured
from benchmarks.peers import talking
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.codec import Frame
from rtvi_plugins.server.run import make_server


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


def bare_server() -> uvicorn.Server:
    """Make the bare server."""
    app = Starlette(routes=[WebSocketRoute("/ws", Floor())])
    config = uvicorn.Config(
        app, port=0, ws="websockets-sansio", ws_per_message_deflate=False, lifespan="off", log_config=None,
        access_log=False, server_header=False,
    )  # fmt: skip
    return uvicorn.Server(config)


def our_server() -> uvicorn.Server:
    """Make the server that `rtvi run` starts."""
    return make_server([BotHost(measured.load())], port=0)


async def _serve(server: uvicorn.Server) -> None:
    line = talking.Line()
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    line.say({"port": server.servers[0].sockets[0].getsockname()[1]})
    line.listen_beside()
    await serving


if __name__ == "__main__":
    uvloop.run(_serve({"ours": our_server, "bare": bare_server}[sys.argv[1]]()))
