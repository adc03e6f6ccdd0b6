"""A server with the streaming interface of OpenAI's chat completions, which says what a test wants it to say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Call:
    """A tool call of the LLM. `arguments` is JSON text, sent in pieces as real services do."""

    name: str
    arguments: str = "{}"
    id: str = "call_1"


@dataclass
class FakeLLM:
    """Answers each request with the next of `script`: a text, or a list of calls.

    requests: the bodies of the requests, in order.
    """

    script: list[str | list[Call]]
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    asked: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Stream the next answer."""
        body = await request.json()
        turn = self.script[len(self.requests)] if len(self.requests) < len(self.script) else "I have no more to say."
        async with self.asked:
            self.requests.append(body)
            self.asked.notify_all()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for delta in [{"role": "assistant", "content": ""}, *_deltas(turn)]:
            await _write(response, {"index": 0, "delta": delta, "finish_reason": None})
        reason = "stop" if isinstance(turn, str) else "tool_calls"
        await _write(response, {"index": 0, "delta": {}, "finish_reason": reason})
        usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
        await _write(response, None, usage=usage)
        await response.write(b"data: [DONE]\n\n")
        return response

    async def request(self, number: int) -> dict[str, Any]:
        """Give the body of a request, the first being 0; waits for it."""
        async with self.asked, asyncio.timeout(120):
            await self.asked.wait_for(lambda: len(self.requests) > number)
        return self.requests[number]

    async def results(self, number: int) -> dict[str, Any]:
        """Give what the tools gave, by the id of the call, as a request carries it."""
        messages = (await self.request(number))["messages"]
        return {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}


def _deltas(turn: str | list[Call]) -> list[dict[str, Any]]:
    if isinstance(turn, str):
        return [{"content": piece} for piece in turn.replace(" ", " \0").split("\0")]
    deltas = []
    for index, call in enumerate(turn):
        head = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        deltas.append(head)
        for start in range(0, len(call.arguments), 5):
            piece = call.arguments[start : start + 5]
            deltas.append({"index": index, "function": {"arguments": piece}})
    return [{"tool_calls": [delta]} for delta in deltas]


async def _write(response: web.StreamResponse, choice: dict[str, Any] | None, **more: Any) -> None:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fake",
        "choices": [] if choice is None else [choice],
        **more,
    }
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


@asynccontextmanager
async def serving(*script: str | list[Call]) -> AsyncIterator[FakeLLM]:
    """Serve on a free port of this machine."""
    llm = FakeLLM(list(script))
    application = web.Application()
    application.router.add_post("/v1/chat/completions", llm.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    llm.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield llm
    finally:
        await runner.cleanup()
