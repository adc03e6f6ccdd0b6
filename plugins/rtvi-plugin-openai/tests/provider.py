"""A provider of our own: an HTTP server on a real socket that streams chat completions from a script."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


class Pause:
    """A place in a stream where it waits: `reached` is set when it gets there, `release` lets it go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.release = asyncio.Event()


class Drop:
    """The connection is cut here."""


Step = dict[str, Any] | str | Pause | Drop


@dataclass
class Answer:
    """One HTTP answer. `steps`: chunks, raw lines of the stream, pauses, cuts; or a `body` without stream."""

    steps: list[Step] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    has_done: bool = True


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


USAGE: dict[str, Any] = {
    **chunk(),
    "choices": [],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def says(*pieces: str, finish: str | None = "stop") -> Answer:
    """Answer with text, as OpenAI streams it."""
    return Answer(
        [
            chunk({"role": "assistant", "content": ""}),
            *(chunk({"content": p}) for p in pieces),
            chunk({}, finish),
            USAGE,
        ]
    )


def calls(*deltas: dict[str, Any], before: str = "", finish: str | None = "tool_calls") -> Answer:
    """Answer with one chunk for each `tool_calls` delta."""
    start = chunk({"role": "assistant", "content": before or None})
    return Answer([start, *(chunk({"tool_calls": [d]}) for d in deltas), chunk({}, finish), USAGE])


def delta(index: int | None, name: str | None = None, arguments: Any = None, id: str | None = None) -> dict[str, Any]:  # noqa: A002
    """One `tool_calls` delta; what is None is absent."""
    function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
    given = (("index", index), ("id", id), ("type", "function" if id else None), ("function", function or None))
    return {key: value for key, value in given if value is not None}


def call(name: str, arguments: Any = None, id: str = "call_1", index: int = 0) -> dict[str, Any]:  # noqa: A002
    """One whole call in one delta."""
    return delta(index, name, json.dumps(arguments) if arguments is not None else "", id)


class Provider:
    """Gives its answers in order and keeps the requests: `requests` are the bodies, `heads` the request heads.

    hung_up: set when a client closed its connection.
    """

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.requests: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.connections = 0
        self.hung_up = asyncio.Event()
        self.url = ""

    def will(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    @property
    def context(self) -> list[dict[str, Any]]:
        """The messages of the newest request."""
        found: list[dict[str, Any]] = self.requests[-1]["messages"]
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(int(x.split(":")[1]) for x in head.splitlines() if x.lower().startswith("content-length"))
                self.heads.append(head)
                self.requests.append(json.loads(await reader.readexactly(length)))
                await self._answer(self.answers.popleft(), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_plain = answer.body is not None
        kind = {"content-type": "application/json" if is_plain else "text/event-stream"}
        if answer.body is None:
            kind["transfer-encoding"] = "chunked"
        else:
            kind["content-length"] = str(len(answer.body.encode()))
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{k}: {v}" for k, v in (kind | answer.headers).items())]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if answer.body is not None:
            writer.write(head + answer.body.encode())
            return
        for step in answer.steps:
            if isinstance(step, Pause):
                step.reached.set()
                gone = asyncio.ensure_future(reader.read())
                released = asyncio.ensure_future(step.release.wait())
                await asyncio.wait([gone, released], return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    released.cancel()
                    return
                gone.cancel()
            elif isinstance(step, Drop):
                writer.transport.abort()
                return
            else:
                writer.write(head)  # a pause or a cut may come before
                head = b""
                event = step if isinstance(step, str) else f"data: {json.dumps(step)}\n\n"
                half = len(event) // 2  # an event in two parts of the body
                for part in (event[:half].encode(), event[half:].encode()):
                    if part:
                        writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                        await writer.drain()
        writer.write(head + (b"e\r\ndata: [DONE]\n\n\r\n" if answer.has_done else b"") + b"0\r\n\r\n")


@asynccontextmanager
async def running(*answers: Answer) -> AsyncIterator[Provider]:
    """Run a provider on a free port."""
    provider = Provider()
    provider.will(*answers)
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(provider.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield provider
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
