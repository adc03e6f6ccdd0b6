"""A request whose time is up is answered once and forgotten: nothing of it is kept, and its id may be used again."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from rtvi_plugins import RTVIProcessor
from tests.processor.conftest import action, quick, session

pytestmark = [
    pytest.mark.virtual_time,
    pytest.mark.standalone("a pipeline has timers and threads of its own, which virtual time does not suit"),
]


class Marker:
    """What a handler holds."""


class Slow:
    """A bot whose actions take longer than they may; `markers`: what their handlers held, as long as it is kept."""

    def __init__(self, **limits: float) -> None:
        self.rtvi: RTVIProcessor = quick(**limits)()
        self.markers: weakref.WeakSet[Marker] = weakref.WeakSet()
        for name, serial in (("hang", None), ("in_turn", ("s",))):
            self.rtvi.register_action(action(f"s.{name}", self._hang, serial=serial, timeout=2))
        self.rtvi.register_action(action("s.late", self._late, timeout=2))
        self.rtvi.register_action(action("s.longer", self._hang, timeout=5))

    async def _hang(self, processor: RTVIProcessor) -> None:
        marker = Marker()
        self.markers.add(marker)
        await asyncio.sleep(1_000)

    async def _late(self, processor: RTVIProcessor) -> str:
        marker = Marker()
        self.markers.add(marker)
        try:
            await asyncio.sleep(1_000)
        except asyncio.CancelledError:
            await asyncio.sleep(10)
        return "late"


def data(name: str, key: str | None = None) -> dict[str, Any]:
    asked: dict[str, Any] = {"service": "s", "action": name, "arguments": []}
    return asked if key is None else {**asked, "idempotency_key": key}


@pytest.mark.parametrize("name", ["hang", "in_turn", "late"])
@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("count", [1, 3])
async def test_nothing_is_kept_and_the_id_is_free(name: str, key: str | None, count: int) -> None:
    bot = Slow(max_actions=count)
    async with session(bot.rtvi, timeout=1_000) as client:
        for turn in range(3):
            client.received.clear()
            began = asyncio.get_running_loop().time()
            for n in range(count):
                await client.send("action", data(name, key and f"{key}{turn}{n}"), f"same{n}")
            while len(client.received) < count:
                await asyncio.sleep(0.05)
            most = 2 * count if name == "in_turn" else 2
            assert asyncio.get_running_loop().time() - began == pytest.approx(most, abs=0.1)
            await bot.rtvi.wait_idle()
            await asyncio.sleep(20)  # what comes late is nobody's
            assert [m["data"]["code"] for m in client.received] == ["timeout"] * count
            assert sorted(m["id"] for m in client.received) == [f"same{n}" for n in range(count)]
            gc.collect()
            assert len(bot.markers) == 0


async def test_each_has_a_time_limit_of_its_own() -> None:
    bot = Slow()
    async with session(bot.rtvi, timeout=1_000) as client:
        await client.send("action", data("longer"), "a")
        await client.send("action", data("hang"), "b")
        await asyncio.sleep(1)
        await client.send("action", data("hang"), "c")
        for at, ids in (
            (1.9, []),
            (2.1, ["b"]),
            (2.9, ["b"]),
            (3.1, ["b", "c"]),
            (4.9, ["b", "c"]),
            (5.1, list("bca")),
        ):
            await asyncio.sleep(at - asyncio.get_running_loop().time())
            assert [m["id"] for m in client.received if m["type"] == "error-response"] == ids


async def test_a_repeat_hears_that_the_time_was_up() -> None:
    bot = Slow()
    async with session(bot.rtvi, timeout=1_000) as client:
        await client.send("action", data("hang", "k"), "first")
        await client.send("action", data("hang", "k"), "repeat")
        await asyncio.sleep(3)
        await client.send("action", data("hang", "k"), "later")
        await asyncio.sleep(0.1)
        told = [(m["id"], m["data"]["code"]) for m in client.received if m["type"] == "error-response"]
        assert sorted(told) == [("first", "timeout"), ("later", "timeout"), ("repeat", "timeout")]


async def test_a_function_call_that_nobody_answered_is_forgotten() -> None:
    outcomes: list[Any] = []
    bot = Slow()
    async with session(bot.rtvi, timeout=1_000) as client:
        for _ in range(3):
            await bot.rtvi.handle_function_call("f", "call", {}, result_callback=outcomes.append)
            await asyncio.sleep(31)
            late = {"tool_call_id": "call", "result": 1}
            await client.send("llm-function-call-result", late, "late")
            await client.describe_actions()
            assert client.answers("late")[-1]["data"]["code"] == "unknown-call"
        assert outcomes == [{"error": "The client did not answer f within 30 s"}] * 3
        await bot.rtvi.handle_function_call("f", "call", {}, result_callback=outcomes.append)
        await client.send("llm-function-call-result", {"tool_call_id": "call", "result": 1})
        await client.describe_actions()
        assert outcomes[3:] == [1]
