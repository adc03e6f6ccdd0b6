"""Pipecat's WebSocket server: FastAPI on uvicorn, a pipeline as shipped for each connection.

Uvicorn is the same release as for the other servers, and set up as there: uvloop, sans-I/O WebSockets, no compression.
"""

from __future__ import annotations

import asyncio

import talking
import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket
from pipecat_wiring import make_task, run_task

app = FastAPI()


@app.websocket("/ws")
async def serve(websocket: WebSocket) -> None:
    """Run one session."""
    await websocket.accept()
    await run_task(make_task(websocket))


async def main() -> None:
    """Serve until the suite hangs up."""
    line = talking.Line()
    config = uvicorn.Config(
        app, port=0, ws_per_message_deflate=False, lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    line.say({"port": server.servers[0].sockets[0].getsockname()[1]})
    line.listen_beside()
    await serving


if __name__ == "__main__":
    uvloop.run(main())
