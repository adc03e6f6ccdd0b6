"""One action from JSON text in to JSON text out, in process: one at a time, and with 100 in flight.

In flight means: 100 requests are read and their handlers all wait before the first may answer. The floor runs each of
them in a task, as it must.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import uvloop

from benchmarks import bot as measured
from benchmarks.timing import Plan, Result, compare, cpu_time
from rtvi_plugins import Bot, RTVIProcessor
from rtvi_plugins.protocol import wire
from rtvi_plugins.testing.memory import MemoryPort

AIM = 2.0
IN_FLIGHT = 100
ROUNDS = 25

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


class TextPort(MemoryPort):
    """A host whose client takes JSON text."""

    def __init__(self) -> None:
        super().__init__(lambda _message: None)
        self.sent: list[bytes] = []
        self.expected = 0
        self.all_sent: asyncio.Future[None] | None = None

    def send(self, message: dict[str, Any]) -> None:
        """Write the message as JSON text."""
        self.sent.append(wire.encode(message))
        if self.all_sent is not None and len(self.sent) == self.expected:
            self.all_sent.set_result(None)


async def _session(bot: Bot) -> tuple[RTVIProcessor, TextPort]:
    port = TextPort()
    processor = bot.processor_class(port=port)
    await processor.set_bot_ready()
    return processor, port


async def ours_one_at_a_time(bot: Bot, texts: list[str]) -> list[bytes]:
    """Send each request once the one before was answered."""
    processor, port = await _session(bot)
    coming = iter(texts)

    async def receive() -> dict[str, Any] | None:
        for text in coming:
            return wire.decode(text)  # type: ignore[no-any-return]
        return None

    await processor.run(receive)
    return port.sent


async def floor_one_at_a_time(floor: Callable[[str], Coroutine[Any, Any, bytes]], texts: list[str]) -> list[bytes]:
    """Send each request once the one before was answered."""
    return [await floor(text) for text in texts]


async def ours_in_flight(bot: Bot, texts: list[str], repeats: int) -> list[bytes]:
    """Send all requests, then let their handlers go on; `repeats` times."""
    processor, port = await _session(bot)
    answers: list[bytes] = []
    left = repeats
    coming = iter(texts)

    async def receive() -> dict[str, Any] | None:
        nonlocal coming, left
        for text in coming:
            return wire.decode(text)  # type: ignore[no-any-return]
        measured.GATE.opening.set_result(None)
        assert not port.sent
        await port.all_sent  # type: ignore[misc]
        answers.extend(port.sent)
        left -= 1
        if not left:
            return None
        begin()
        return wire.decode(next(coming))  # type: ignore[no-any-return]

    def begin() -> None:
        nonlocal coming
        measured.GATE.close()
        port.sent, port.expected, coming = [], len(texts), iter(texts)
        port.all_sent = asyncio.get_running_loop().create_future()

    begin()
    await processor.run(receive)
    return answers


async def floor_in_flight(
    floor: Callable[[str], Coroutine[Any, Any, bytes]], texts: list[str], repeats: int
) -> list[bytes]:
    """Send all requests, then let their handlers go on; `repeats` times."""
    loop = asyncio.get_running_loop()
    answers: list[bytes] = []
    for _ in range(repeats):
        measured.GATE.close()
        sent: list[bytes] = []
        all_sent = loop.create_future()

        async def answer(text: str, sent: list[bytes] = sent, all_sent: asyncio.Future[None] = all_sent) -> None:
            sent.append(await floor(text))
            if len(sent) == len(texts):
                all_sent.set_result(None)

        tasks = {loop.create_task(answer(text)) for text in texts}
        await asyncio.sleep(0)
        assert not sent
        measured.GATE.opening.set_result(None)
        await all_sent
        answers.extend(sent)
        tasks.clear()
    return answers


def measure(plan: Plan) -> list[Result]:
    """Measure both dialects on both event loops."""
    bot = measured.load()
    results: list[Result] = []
    for loop_name, make_loop in LOOPS.items():
        with asyncio.Runner(loop_factory=make_loop) as runner:
            for dialect in measured.DIALECTS:
                floor = measured.FLOORS[dialect]
                texts = [measured.request(dialect, n) for n in range(plan.times(5_000))]
                held_up = [measured.request(dialect, n, "wait") for n in range(IN_FLIGHT)]
                repeats = plan.times(50)
                one: tuple[Any, ...] = (
                    partial(ours_one_at_a_time, bot, texts),
                    partial(floor_one_at_a_time, floor, texts),
                )
                many: tuple[Any, ...] = (
                    partial(ours_in_flight, bot, held_up, repeats),
                    partial(floor_in_flight, floor, held_up, repeats),
                )
                for case, (ours, reference), number in (
                    ("one at a time", one, len(texts)),
                    (f"{IN_FLIGHT} in flight", many, IN_FLIGHT * repeats),
                ):
                    _agree(runner.run(ours()), runner.run(reference()))
                    result = compare(
                        "dispatch",
                        f"{dialect}, {case}, {loop_name}",
                        partial(_per_action, runner, ours, number),
                        partial(_per_action, runner, reference, number),
                        plan=plan,
                        unit="us",
                        aim=AIM,
                        rounds=plan.rounds if plan.is_smoke else ROUNDS,
                    )
                    results.append(result)
    return results


def _per_action(runner: asyncio.Runner, work: Callable[[], Coroutine[Any, Any, object]], number: int) -> float:
    return cpu_time(lambda: runner.run(work())) * 1e6 / number


def _agree(ours: list[bytes], reference: list[bytes]) -> None:
    """See that both did the same work."""
    assert sorted(ours) == sorted(reference), (ours[:1], reference[:1])
