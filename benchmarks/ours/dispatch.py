"""One action from JSON text in to JSON text out, in process: ours and the floor, in both dialects. Argument: the loop.

one:       each request is sent once the one before was answered.
in-flight: 100 requests are read and their handlers all wait before the first may answer. The floor runs each of them in
           a task, as it must.
at-once:   100 requests are sent without waiting for an answer; their handlers do not wait.
pauses:    the same, with handlers that take 5 ms.

Answers are kept as lines, ours and the floor's. Kept as they come from orjson, each would hold the page of memory that
it was written in, and who needs a new page for every answer waits for the system longer than for anything else. A
server lets go of what it sent.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

import uvloop

from benchmarks import bot as measured
from benchmarks.peers import talking
from rtvi_plugins import Bot, RTVIProcessor
from rtvi_plugins.processor.port import Port
from rtvi_plugins.protocol import wire
from rtvi_plugins.testing.memory import MemoryPort

Floor = Callable[[str], Coroutine[Any, Any, bytes]]

IN_FLIGHT = 100
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


class TextPort(MemoryPort):
    """A host whose client takes JSON text, line by line."""

    def __init__(self) -> None:
        super().__init__(lambda _message: None)
        self.sent: list[bytes] = []

    def send(self, message: dict[str, Any]) -> None:
        """Write the message as JSON text."""
        self.sent.append(wire.encode(message) + b"\n")


class CountingPort(TextPort):
    """The same, telling when all that was expected is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.expected = 0
        self.all_sent: asyncio.Future[None]

    def send(self, message: dict[str, Any]) -> None:
        """Write the message as JSON text."""
        self.sent.append(wire.encode(message) + b"\n")
        if len(self.sent) == self.expected:
            self.all_sent.set_result(None)


async def _session(bot: Bot, port: Port) -> RTVIProcessor:
    processor = bot.processor_class(port=port)
    await processor.set_bot_ready()
    return processor


async def ours_one(bot: Bot, texts: list[str]) -> list[bytes]:
    """Send each request once the one before was answered."""
    port = TextPort()
    processor = await _session(bot, port)
    coming = iter(texts)

    async def receive() -> dict[str, Any] | None:
        for text in coming:
            return wire.decode(text)  # type: ignore[no-any-return]
        return None

    await processor.run(receive)
    return port.sent


async def floor_one(floor: Floor, texts: list[str]) -> list[bytes]:
    """Send each request once the one before was answered."""
    return [await floor(text) + b"\n" for text in texts]


async def ours_together(bot: Bot, texts: list[str], *, is_gated: bool) -> list[bytes]:
    """Send 100 requests, then wait until all are answered; again and again. `is_gated`: handlers wait for the last."""
    port = CountingPort()
    processor = await _session(bot, port)
    answers: list[bytes] = []
    coming: Iterator[str] = iter(())
    start = 0

    async def receive() -> dict[str, Any] | None:
        for text in coming:
            return wire.decode(text)  # type: ignore[no-any-return]
        if start:
            if is_gated:
                await asyncio.sleep(0)
                assert not port.sent
                assert len(processor._running) == IN_FLIGHT  # noqa: SLF001 - every one of them has to wait
                measured.GATE.opening.set_result(None)
            if len(port.sent) < port.expected:
                await port.all_sent
            answers.extend(port.sent)
        if start == len(texts):
            return None
        begin()
        return wire.decode(next(coming))  # type: ignore[no-any-return]

    def begin() -> None:
        nonlocal coming, start
        measured.GATE.close()
        part = texts[start : start + IN_FLIGHT]
        start += len(part)
        port.sent, port.expected, coming = [], len(part), iter(part)
        port.all_sent = asyncio.get_running_loop().create_future()

    await processor.run(receive)
    return answers


async def floor_together(floor: Floor, texts: list[str], *, is_gated: bool) -> list[bytes]:
    """Send 100 requests, each in a task, then wait until all are answered; again and again."""
    loop = asyncio.get_running_loop()
    answers: list[bytes] = []
    for start in range(0, len(texts), IN_FLIGHT):
        part = texts[start : start + IN_FLIGHT]
        measured.GATE.close()
        sent: list[bytes] = []
        all_sent = loop.create_future()

        async def answer(
            text: str, sent: list[bytes] = sent, all_sent: asyncio.Future[None] = all_sent, number: int = len(part)
        ) -> None:
            sent.append(await floor(text) + b"\n")
            if len(sent) == number:
                all_sent.set_result(None)

        tasks = {loop.create_task(answer(text)) for text in part}
        if is_gated:
            await asyncio.sleep(0)
            assert not sent
            measured.GATE.opening.set_result(None)
        await all_sent
        answers.extend(sent)
        tasks.clear()
    return answers


def cases(bot: Bot) -> dict[str, talking.Case]:
    """Give every case: dialect, who, how."""
    found: dict[str, talking.Case] = {}
    for dialect in measured.DIALECTS:
        floor = measured.FLOORS[dialect]
        for how, action in (("one", "search"), ("in-flight", "wait"), ("at-once", "search"), ("pauses", "pause")):

            def ours(texts: list[str], how: str = how) -> Coroutine[Any, Any, list[bytes]]:
                return ours_one(bot, texts) if how == "one" else ours_together(bot, texts, is_gated=how == "in-flight")

            def reference(texts: list[str], how: str = how, floor: Floor = floor) -> Coroutine[Any, Any, list[bytes]]:
                if how == "one":
                    return floor_one(floor, texts)
                return floor_together(floor, texts, is_gated=how == "in-flight")

            found[f"{dialect}-ours-{how}"] = _case(dialect, action, ours)
            found[f"{dialect}-floor-{how}"] = _case(dialect, action, reference)
    return found


def _case(dialect: str, action: str, exchange: Callable[[list[str]], Coroutine[Any, Any, list[bytes]]]) -> talking.Case:
    def case(number: int) -> talking.Work:
        texts = [measured.request(dialect, n, action) for n in range(number)]

        async def work() -> Iterable[tuple[object, object]]:
            return map(talking.answer_of, await exchange(texts))

        return work

    return case


async def agree(bot: Bot) -> None:
    """See that ours and the floor answer alike, to the byte."""
    for dialect, floor in measured.FLOORS.items():
        texts = [measured.request(dialect, n) for n in range(3)]
        mine, theirs = await ours_one(bot, texts), await floor_one(floor, texts)
        if mine != theirs:
            raise ValueError(f"ours: {mine[0]!r}; the floor: {theirs[0]!r}")


if __name__ == "__main__":
    loaded = measured.load()
    with asyncio.Runner(loop_factory=LOOPS[sys.argv[1]]) as runner:
        runner.run(agree(loaded))
        talking.answer_runs(cases(loaded), runner)
