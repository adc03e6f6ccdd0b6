"""A request answered inside a running pipeline, as shipped, with its WebSocket in memory; and what it does to frames.

stock: a bare `client-message`, answered by an `on_client_message` handler. No argument and no result is checked.
ours:  the same message to this package's processor in the same pipeline: an action, arguments and result checked.

`delays`: let other frames pass the pipeline, one after the other, first while nothing else happens and then while an
action of half a second runs; gives the longest that one took, in ms.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import talking
import uvloop
from pipecat.frames.frames import Frame, TextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat_wiring import AsShipped, cases, request

from benchmarks.bot import load
from rtvi_plugins.pipecat import processor_for

IDLE_FRAMES = 500


class Watcher(FrameProcessor):
    """Tells when a text has come this far."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: asyncio.Future[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Let everything pass."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TextFrame) and self.passed is not None:
            self.passed.set_result(None)
        await self.push_frame(frame, direction)


async def _longest(session: AsShipped, watcher: Watcher, goes_on: Callable[[int], bool]) -> float:
    longest = 0.0
    number = 0
    while goes_on(number):
        watcher.passed = asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        await session.task.queue_frame(TextFrame("x"))
        await watcher.passed
        longest = max(longest, time.perf_counter() - start)
        number += 1
        await asyncio.sleep(0.001)
    return longest * 1e3


async def delays(session: AsShipped, watcher: Watcher) -> dict[str, object]:
    """Measure both in one session."""
    await session.open()
    idle_ms = await _longest(session, watcher, lambda number: number < IDLE_FRAMES)
    answered = session.answers.expect(1)
    await session.send(request("delay", "linger"))
    during_ms = await _longest(session, watcher, lambda _number: not answered.done())
    talking.check(map(talking.answer_of, session.answers.texts), 1)
    return {"idle_ms": idle_ms, "during_ms": during_ms, "more_ms": during_ms - idle_ms}


def main() -> None:
    """Answer what is asked, until there are no more questions."""
    measured = processor_for(load())
    watching, ours_watching = Watcher(), Watcher()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stock, ours = AsShipped(watching), AsShipped(ours_watching, rtvi=measured)
        asked = {
            "delays-stock": lambda: runner.run(delays(stock, watching)),
            "delays-ours": lambda: runner.run(delays(ours, ours_watching)),
        }
        talking.answer_runs(cases(stock, "stock") | cases(ours, "ours"), runner, asked)


if __name__ == "__main__":
    main()
