"""python-socketio: an event with an acknowledgement, through the library's ASGI application; no socket, no server.

What a WebSocket server would hand over is handed over here: ASGI events with the packet's text. Nothing is checked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import socketio
import talking

server = socketio.AsyncServer(async_mode="asgi", ping_interval=86_400)
app = socketio.ASGIApp(server)


@server.on("search")
async def search(_sid: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Look something up; what is returned goes into the acknowledgement."""
    return await talking.search(**data)


class Session:
    """One WebSocket connection, as an ASGI application sees it."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[str] = []
        self.wanted = 0
        self.done: asyncio.Future[None] | None = None
        self.task: asyncio.Task[None] | None = None

    async def send(self, event: dict[str, Any]) -> None:
        """Take what the application sends."""
        if event["type"] == "websocket.send":
            self.sent.append(event["text"])
            if len(self.sent) == self.wanted and self.done is not None:
                self.done.set_result(None)

    async def exchange(self, texts: list[str]) -> list[str]:
        """Send packets, and wait for as many."""
        self.sent, self.wanted = [], len(texts)
        self.done = asyncio.get_running_loop().create_future()
        for text in texts:
            self.incoming.put_nowait({"type": "websocket.receive", "text": text})
        await self.done
        return self.sent

    async def open(self) -> None:
        """Connect, with both handshakes: of Engine.IO and of Socket.IO."""
        if self.task is not None:
            return
        scope = {
            "type": "websocket", "http_version": "1.1", "scheme": "ws", "path": "/socket.io/",
            "query_string": b"transport=websocket&EIO=4", "subprotocols": [],
            "headers": [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")],
        }  # fmt: skip
        self.wanted, self.done = 1, asyncio.get_running_loop().create_future()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(scope, self.incoming.get, self.send))
        await self.done
        (connected,) = await self.exchange(["40"])
        if not connected.startswith("40{"):
            raise ValueError(connected)


SESSION = Session()


def _requests(number: int) -> list[str]:
    return [f"42{n}{json.dumps(['search', talking.ARGUMENTS])}" for n in range(number)]


def _answers(packets: list[str]) -> Iterable[tuple[object, object]]:
    for packet in packets:
        head, _, body = packet.partition("[")
        if not head.startswith("43"):
            raise ValueError(packet)
        yield head[2:], json.loads(f"[{body}")[0]


def one_at_a_time(number: int) -> talking.Work:
    """Send each event once the one before was acknowledged."""
    texts = _requests(number)

    async def work() -> Iterable[tuple[object, object]]:
        await SESSION.open()
        answers: list[str] = []
        for text in texts:
            answers += await SESSION.exchange([text])
        return _answers(answers)

    return work


def at_once(number: int) -> talking.Work:
    """Send 100 events at once, `number` / 100 times."""
    texts = _requests(number)

    async def work() -> Iterable[tuple[object, object]]:
        await SESSION.open()
        answers: list[str] = []
        for start in range(0, number, 100):
            answers += await SESSION.exchange(texts[start : start + 100])
        return _answers(answers)

    return work


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        talking.answer_runs({"one": one_at_a_time, "at-once": at_once}, runner)
