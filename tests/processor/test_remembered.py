"""What a session remembers for its client is bounded, in bytes and in number: answers under a key, and messages.

Bytes of an answer are those of its JSON text, and a fixed number for what it is remembered by.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from typing import Any, Final

import pytest

from rtvi_plugins import ActionError, RTVIActionArgument, RTVIClientMessageFrame, RTVIProcessor
from rtvi_plugins.processor import repeats
from rtvi_plugins.processor.memory import KEPT
from rtvi_plugins.testing import RequestError
from tests.processor.conftest import action, quick, session

SIZE: Final = 2_000
COST: Final = SIZE + repeats.ATTEMPT
"""What such an answer counts."""


class Making:
    """A bot whose actions give, or refuse with, text of so many bytes of JSON; it counts how often they run."""

    def __init__(self, **limits: float) -> None:
        self.rtvi: RTVIProcessor = quick(**limits)()
        self.runs: list[str] = []
        self.open = asyncio.Event()
        arguments = [RTVIActionArgument("key", "string"), RTVIActionArgument("size", "integer")]
        for name, handler in (("make", self._make), ("refuse", self._refuse), ("wait", self._wait)):
            self.rtvi.register_action(action(f"s.{name}", handler, arguments))

    async def _make(self, processor: RTVIProcessor, *, key: str, size: int) -> str:
        self.runs.append(key)
        return "x" * (size - 2)  # and two quotation marks

    async def _refuse(self, processor: RTVIProcessor, *, key: str, size: int) -> None:
        self.runs.append(key)
        raise ActionError("x" * size)

    async def _wait(self, processor: RTVIProcessor, *, key: str, size: int) -> str:
        self.runs.append(key)
        await self.open.wait()
        return "x" * (size - 2)


async def ask(client: Any, key: str, size: int = SIZE, name: str = "make") -> Any:
    """Call with a key; give the length of the answer, or the code of a refusal."""
    data = {"service": "s", "action": name, "arguments": {"key": key, "size": size}, "idempotency_key": key}
    try:
        return len((await client.request("action", data))["result"]) + 2
    except RequestError as error:
        return error.code


async def remembered(client: Any, bot: Making, keys: list[str], size: int = SIZE) -> list[str]:
    """Give the keys whose answers are remembered, which asking does not change: one that is not is asked for last."""
    found = []
    for key in keys:
        bot.runs.clear()
        await ask(client, key, size)
        if bot.runs:
            return found
        found.append(key)
    return found


@pytest.mark.parametrize(("limit", "count"), [(5 * COST, 5), (5 * COST - 1, 4), (COST, 1), (6 * COST - 1, 5)])
async def test_so_many_answers_are_remembered_as_their_bytes_allow(limit: int, count: int) -> None:
    bot = Making(max_kept_bytes=limit)
    async with session(bot.rtvi) as client:
        keys = [f"k{n}" for n in range(8)]
        for key in keys:
            assert await ask(client, key) == SIZE
        assert bot.runs == keys
        newest = keys[::-1]
        assert await remembered(client, bot, newest) == newest[:count]


async def test_so_many_answers_of_all_sessions_are_remembered() -> None:
    gc.collect()  # sessions of other tests give back what they held when they are gone
    total = KEPT.used + 3 * COST
    first, second = (Making(max_kept_bytes_total=total) for _ in range(2))
    async with session(first.rtvi) as one, session(second.rtvi) as other:
        for key in ("a", "b"):
            assert await ask(one, key) == SIZE
        for key in ("c", "d", "e"):  # only its own answers make room for those of a session
            assert await ask(other, key) == SIZE
        assert await remembered(one, first, ["b", "a"]) == ["b", "a"]
        assert await remembered(other, second, ["e", "d"]) == ["e"]
    third = Making(max_kept_bytes_total=total)
    async with session(third.rtvi) as client:  # what the others held is free again
        for key in ("f", "g", "h"):
            assert await ask(client, key) == SIZE
        assert await remembered(client, third, ["h", "g", "f"]) == ["h", "g", "f"]


async def test_an_answer_larger_than_the_bound_takes_no_other_with_it() -> None:
    most = 3 * COST - repeats.ATTEMPT
    bot = Making(max_kept_bytes=3 * COST)
    async with session(bot.rtvi) as client:
        assert [await ask(client, key) for key in ("a", "b")] == [SIZE] * 2
        assert await ask(client, "large", most + 1) == most + 1
        assert await ask(client, "large", most + 1) == "busy"
        assert await remembered(client, bot, ["b", "a"]) == ["b", "a"]
        assert await ask(client, "whole", most) == most  # this one fits, alone
        bot.runs.clear()
        assert await ask(client, "whole", most) == most
        assert await ask(client, "a") == SIZE
        assert bot.runs == ["a"]


async def test_refusals_count_as_what_they_say() -> None:
    bot = Making(max_kept_bytes=3 * COST)
    async with session(bot.rtvi) as client:
        for key in ("a", "b", "c"):
            assert await ask(client, key, name="refuse") == "refused"
        bot.runs.clear()
        assert await ask(client, "c", name="refuse") == "refused"
        assert bot.runs == []
        assert await ask(client, "a", name="refuse") == "refused"
        assert bot.runs == ["a"]


async def test_what_still_runs_is_not_forgotten() -> None:
    bot = Making(max_kept_bytes=2 * COST)
    async with session(bot.rtvi) as client:
        running = asyncio.ensure_future(ask(client, "first", name="wait"))
        while not bot.runs:
            await asyncio.sleep(0)
        for key in ("a", "b", "c"):
            await ask(client, key)
        repeat = asyncio.ensure_future(ask(client, "first", name="wait"))
        await asyncio.sleep(0)
        bot.open.set()
        assert await asyncio.gather(running, repeat) == [SIZE, SIZE]
        assert bot.runs.count("first") == 1


async def test_so_many_keys_are_remembered() -> None:
    bot = Making()
    async with session(bot.rtvi) as client:
        keys = [f"k{n}" for n in range(200)]
        for key in keys:
            await ask(client, key, 10)
        newest = keys[::-1]
        assert await remembered(client, bot, newest, 10) == newest[:128]


async def test_so_many_repeats_wait_for_one_action() -> None:
    bot = Making()
    async with session(bot.rtvi) as client:
        calls = [asyncio.ensure_future(ask(client, "k", name="wait")) for _ in range(20)]
        while sum(call.done() for call in calls) < 3:
            await asyncio.sleep(0)
        bot.open.set()
        assert await asyncio.gather(*calls) == [SIZE] * 17 + ["busy"] * 3
        assert bot.runs == ["k"]


# -- messages without an answer ---------------------------------------------------------------------------------------


class Hearing:
    """A bot that takes messages and answers them when it is told to, by the frame or by the id."""

    def __init__(self, **limits: float) -> None:
        self.rtvi: RTVIProcessor = quick(**limits)()
        self.frames: list[RTVIClientMessageFrame] = []
        self.rtvi.add_event_handler("on_client_message", self._hear)

    async def _hear(self, processor: RTVIProcessor, frame: RTVIClientMessageFrame) -> None:
        self.frames.append(frame)
        if frame.type == "fail":
            raise ActionError("no", code="no")

    async def take(self, count: int) -> None:
        while len(self.frames) < count:
            await asyncio.sleep(0)


async def wave(client: Any, t: str = "wave") -> Any:
    try:
        return await client.ask(t)
    except RequestError as error:
        return error.code


ANSWERS: Final[dict[str, tuple[Any, Any]]] = {
    "answered": (lambda bot, frame: bot.rtvi.send_server_response(frame, 1), 1),
    "answered by id": (lambda bot, frame: bot.rtvi.send_server_response(frame.msg_id, 1), 1),
    "refused": (lambda bot, frame: bot.rtvi.send_error_response(frame, "no"), "action-failed"),
    "refused by id": (lambda bot, frame: bot.rtvi.send_error_response(frame.msg_id, "no"), "action-failed"),
}


@pytest.mark.parametrize(("answer", "outcome"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("most", [1, 3])
async def test_so_many_messages_wait_for_their_answers(answer: Any, outcome: Any, most: int) -> None:
    bot = Hearing(max_actions=most, message_timeout=100)
    async with session(bot.rtvi) as client:
        for _ in range(3):  # each time all places are free again
            bot.frames.clear()
            waiting = [asyncio.ensure_future(wave(client)) for _ in range(most)]
            await bot.take(most)
            assert [await wave(client), await wave(client)] == ["busy", "busy"]
            assert len(bot.frames) == most
            await answer(bot, bot.frames[0])
            assert await waiting[0] == outcome
            again = asyncio.ensure_future(wave(client))  # one was answered, so there is one place
            await bot.take(most + 1)
            assert await wave(client) == "busy"
            for frame in bot.frames[1:]:
                await answer(bot, frame)
            assert await asyncio.gather(*waiting[1:], again) == [outcome] * most


async def test_a_handler_that_raises_frees_the_place() -> None:
    bot = Hearing(max_actions=2, message_timeout=100)
    async with session(bot.rtvi) as client:
        assert [await wave(client, "fail") for _ in range(5)] == ["no"] * 5


@pytest.mark.virtual_time
@pytest.mark.standalone("a pipeline has timers and threads of its own, which virtual time does not suit")
async def test_what_nobody_answers_frees_its_place() -> None:
    bot = Hearing(max_actions=3, message_timeout=8)
    async with session(bot.rtvi, timeout=1_000) as client:
        for _ in range(2):
            began = asyncio.get_running_loop().time()
            assert await asyncio.gather(*(wave(client) for _ in range(4))) == ["unanswered"] * 3 + ["busy"]
            assert asyncio.get_running_loop().time() - began == pytest.approx(8, abs=0.01)
        count = len(client.received)
        for frame in bot.frames:  # all too late
            await bot.rtvi.send_server_response(frame, 1)
            await bot.rtvi.send_error_response(frame.msg_id, "late")
        await client.describe_actions()
        assert len(client.received) == count + 1


@pytest.mark.virtual_time
@pytest.mark.standalone("a pipeline has timers and threads of its own, which virtual time does not suit")
async def test_an_answered_message_is_not_given_up_later() -> None:
    bot = Hearing(max_actions=3, message_timeout=8)
    async with session(bot.rtvi, timeout=1_000) as client:
        waiting = asyncio.ensure_future(wave(client))
        await bot.take(1)
        await bot.rtvi.send_server_response(bot.frames[0], 1)
        assert await waiting == 1
        await asyncio.sleep(9)
        assert not [message for message in client.received if message["type"] == "error-response"]


@pytest.mark.standalone("Pipecat's own bookkeeping of frames would be measured, too")
async def test_of_messages_that_have_their_answers_little_is_remembered() -> None:
    bot = Hearing()

    async def talk(count: int) -> None:
        for _ in range(count):
            asked = asyncio.ensure_future(client.request("client-message", {"t": "m", "d": "x" * 1_000}))
            await bot.take(1)
            await bot.rtvi.send_server_response(bot.frames.pop(), 1)
            await asked
            client.received.clear()
            client.port.frames.clear()

    async with session(bot.rtvi) as client:
        await talk(300)
        gc.collect()
        tracemalloc.start()
        try:
            await talk(2_000)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
    assert grown < 300 * 1_000  # of 2,000 messages of 1,000 bytes each
