"""Both hosts, with their clients in the same thread: what a message costs the event loop is what the thread spends.

Time is the processor's, of this thread alone, from the moment a message is there until it is dealt with and answered.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.hostile.bot import load
from benchmarks.hostile.shapes import CALL, Case, message
from rtvi_plugins import Bot
from rtvi_plugins.server import codec
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.routes import create_app

READY = json.dumps({"label": "rtvi-ai", "type": "client-ready", "id": "ready", "data": {"version": "2.1.0"}})
MARK = json.dumps({"label": "rtvi-ai", "type": "describe-actions", "id": "mark"})
_MARKED = b'"id":"mark"'


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one message: the seconds that it took, and what the session said; or the status of a request."""

    seconds: float
    said: tuple[bytes, ...] = ()
    status: int = 200

    @property
    def is_refused(self) -> bool:
        """Whether the client was told that something is wrong."""
        return self.status >= 400 or any(b'"type":"error' in text for text in self.said)


class Standalone:
    """A session of the standalone host: ASGI events go in and come out."""

    def __init__(self, bot: Bot) -> None:
        self._host = BotHost(bot)
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said: list[bytes] = []
        self._marked = asyncio.Event()
        self._app = create_app([self._host])

    async def open(self) -> None:
        """Connect."""
        scope = {"type": "websocket", "path": "/ws", "headers": [(b"host", b"localhost")], "scheme": "ws",
                 "query_string": b"", "client": ("127.0.0.1", 1)}  # fmt: skip
        self._incoming.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._host(scope, self._incoming.get, self._sent))
        self._incoming.put_nowait({"type": "websocket.receive", "text": READY})
        await self.cost(MARK)
        self.processor = next(iter(self._host.connections)).processor

    async def close(self) -> None:
        """Leave."""
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._task

    async def _sent(self, event: Any) -> None:
        if event["type"] == "websocket.send":
            text = event.get("text")
            said = text.encode() if text is not None else event["bytes"]
            self._said.append(said)
            if _MARKED in said[-64:] or _MARKED in said[:200]:
                self._marked.set()

    async def cost(self, text: str, *, is_binary: bool = False) -> Told:
        """Give what comes of one message."""
        given: dict[str, Any] = {"type": "websocket.receive"}
        mark = dict(given)
        if is_binary:
            given["bytes"], mark["bytes"] = codec.write_binary(text.encode()), codec.write_binary(MARK.encode())
        else:
            given["text"], mark["text"] = text, MARK
        self._said.clear()
        self._marked.clear()
        began = time.thread_time()
        self._incoming.put_nowait(given)
        del given
        self._incoming.put_nowait(mark)
        await self._marked.wait()
        processor = next(iter(self._host.connections)).processor
        await end_of_turn(processor)
        told = Told(time.thread_time() - began, tuple(self._said))
        await processor.wait_idle()
        return told

    async def post(self, path: str, body: bytes) -> Told:
        """Give what comes of one request."""
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
                 "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")], "scheme": "http",
                 "client": ("127.0.0.1", 1), "server": ("localhost", 80), "http_version": "1.1"}  # fmt: skip
        events = [{"type": "http.request", "body": body, "more_body": False}]
        status: list[int] = []
        said: list[bytes] = []

        async def receive() -> dict[str, Any]:
            if events:
                return events.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(event: Any) -> None:
            if event["type"] == "http.response.start":
                status.append(event["status"])
            elif event.get("body"):
                said.append(event["body"])

        began = time.thread_time()
        await self._app(scope, receive, send)
        return Told(time.thread_time() - began, tuple(said), status[0])


async def end_of_turn(processor: Any) -> None:
    """Wait until a text is answered, and what was begun has had its turn."""
    while (turn := processor._turn) is not None:  # noqa: SLF001
        await asyncio.wait({turn.task})
    for _ in range(10):
        await asyncio.sleep(0)


async def send(opened: Standalone | InPipeline, case: Case, *, is_binary: bool = False) -> Told | None:
    """Send one message, with a function call open where it is a result. None where this host has no such way."""
    if case.path:
        return await opened.post(case.path, case.text.encode()) if isinstance(opened, Standalone) else None
    processor = opened.processor
    if case.function:
        call = processor.handle_function_call(case.function, CALL, {}, result_callback=_take)
        await call
    told = await opened.cost(case.text, is_binary=is_binary)
    if case.function:
        await opened.cost(message("llm-function-call-result", {"tool_call_id": CALL}))  # closes what was not taken
    return told


async def _take(_result: Any) -> None:
    """Take the result of a function call."""


class InPipeline:
    """A session in a Pipecat pipeline: what its transport reads goes in, what it would write comes out."""

    def __init__(self, bot: Bot) -> None:
        from benchmarks.hostile.pipeline import Ends  # noqa: PLC0415 - Pipecat may not be there

        self._ends = Ends(bot)

    async def open(self) -> None:
        """Start the pipeline and say that the client is ready."""
        await self._ends.open()
        self.processor = self._ends.processor
        await self._ends.give(READY)
        await self.cost(MARK)

    async def close(self) -> None:
        """End the pipeline."""
        await self._ends.close()

    async def cost(self, text: str, *, is_binary: bool = False) -> Told:
        """Give what comes of one message."""
        given: Any = codec.write_binary(text.encode()) if is_binary else text
        mark: Any = codec.write_binary(MARK.encode()) if is_binary else MARK
        ends = self._ends
        ends.said.clear()
        ends.marked.clear()
        began = time.thread_time()
        await ends.give(given)
        del given
        await ends.give(mark)
        await ends.marked.wait()
        await end_of_turn(self.processor)
        told = Told(time.thread_time() - began, tuple(ends.said))
        await self.processor.wait_idle()
        return told


HOSTS: Mapping[str, Any] = {"standalone": Standalone, "pipeline": InPipeline}


@asynccontextmanager
async def session(host: str, bot: Bot | None = None) -> AsyncIterator[Any]:
    """Open a session on a host, of the attacked bot unless another is given."""
    opened = HOSTS[host](load() if bot is None else bot)
    await opened.open()
    gc.collect()
    gc.freeze()  # as `rtvi run` does once it serves
    try:
        yield opened
    finally:
        await opened.close()
        gc.unfreeze()
