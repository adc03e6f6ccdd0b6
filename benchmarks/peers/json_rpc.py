"""ajsonrpc: a JSON-RPC request, JSON text in to JSON text out. It checks nothing of the arguments but their names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import talking
from ajsonrpc.dispatcher import Dispatcher
from ajsonrpc.manager import AsyncJSONRPCResponseManager

MANAGER = AsyncJSONRPCResponseManager(Dispatcher({"knowledge.search": talking.search}))


def _requests(number: int) -> list[str]:
    return [
        json.dumps({"jsonrpc": "2.0", "method": "knowledge.search", "params": talking.ARGUMENTS, "id": str(n)})
        for n in range(number)
    ]


def _answers(texts: list[str]) -> Iterable[tuple[object, object]]:
    for text in texts:
        read = json.loads(text)
        yield read["id"], read.get("result")


def one_at_a_time(number: int) -> talking.Work:
    """Send each request once the one before was answered."""
    texts = _requests(number)

    async def work() -> Iterable[tuple[object, object]]:
        return _answers([await MANAGER.get_payload_for_payload(text) for text in texts])

    return work


def at_once(number: int) -> talking.Work:
    """Send 100 requests at once, `number` / 100 times."""
    texts = _requests(number)

    async def work() -> Iterable[tuple[object, object]]:
        answers: list[str] = []
        for start in range(0, number, 100):
            answers += await asyncio.gather(*map(MANAGER.get_payload_for_payload, texts[start : start + 100]))
        return _answers(answers)

    return work


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        talking.answer_runs({"one": one_at_a_time, "at-once": at_once}, runner)
