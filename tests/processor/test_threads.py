"""Plain `def` handlers run in threads: each session has a share, what was given up counts, nobody starves others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from rtvi_plugins import RTVIActionArgument, RTVIProcessor
from rtvi_plugins.processor.calling import as_coroutine
from rtvi_plugins.processor.message_types import MessageType
from rtvi_plugins.processor.tables import UIEventType
from rtvi_plugins.processor.threads import THREADS, HandlerThreads, ThreadShare
from rtvi_plugins.schema import compile_value
from rtvi_plugins.testing import RequestError
from tests.processor.conftest import action, quick, service, session

ENOUGH_S = 0.5
"""A time limit that is reached, and within which a thread has long begun on any machine."""


class Door:
    """What plain functions wait for, and how many do."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.opened.wait(60)
        with self._lock:
            self.inside -= 1

    async def until_inside(self, count: int) -> None:
        async with asyncio.timeout(30):
            while self.inside != count:
                await asyncio.sleep(0.001)


@pytest.fixture
def door() -> Iterator[Door]:
    """Give a door, and open it at the end whatever happens."""
    made = Door()
    yield made
    made.opened.set()


def bot(door: Door, *, timeout: float = 30, **limits: float) -> RTVIProcessor:
    """Make a processor whose every kind of plain `def` handler waits at the door."""
    rtvi = quick(**{"option_timeout": timeout, **limits})()

    def wait(processor: RTVIProcessor, *, at: bool) -> str:
        if at:
            door()
        return "done"

    def change(processor: RTVIProcessor, service: str, option: Any) -> None:
        door()

    def take(processor: RTVIProcessor, data: Any) -> Any:
        door()
        return data

    arguments = [RTVIActionArgument("at", "bool", default=True)]
    for name in ("wait", "original"):
        rtvi.register_action(action(f"s.{name}", wait, arguments, timeout=timeout))
    rtvi.register_service(service("s", change, o="string"))
    anything, taking = compile_value(True), as_coroutine(take)
    rtvi._tables = replace(
        rtvi._tables,
        messages=MappingProxyType({"m": MessageType("m", anything, anything, taking, timeout)}),
        ui_events=MappingProxyType({"e": UIEventType("e", anything, taking, timeout)}),
    )
    return rtvi


@asynccontextmanager
async def sessions(*processors: RTVIProcessor) -> AsyncIterator[list[Any]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(session(one)) for one in processors]


async def test_a_session_that_blocks_all_it_can_holds_up_nobody_else(door: Door) -> None:
    async with sessions(bot(door), bot(door)) as (attacker, victim):
        slow = [asyncio.ensure_future(attacker.call("s.wait")) for _ in range(64)]
        await door.until_inside(8)
        for _ in range(20):
            assert await victim.call("s.wait", at=False) == "done"
        assert door.most == 8  # no more than its share
        door.opened.set()
        assert set(await asyncio.gather(*slow)) == {"done"}


async def test_what_was_given_up_counts_until_it_ends(door: Door) -> None:
    rtvi = bot(door, timeout=ENOUGH_S, max_threads=3)
    async with sessions(rtvi, bot(door)) as (client, other):
        late = await asyncio.gather(*(client.call("s.wait") for _ in range(3)), return_exceptions=True)
        assert [error.code for error in late] == ["timeout"] * 3  # type: ignore[union-attr]
        assert (rtvi.thread_share.running, rtvi.thread_share.abandoned, door.inside) == (3, 3, 3)
        for _ in range(3):
            with pytest.raises(RequestError, match="3 earlier requests still run after their time") as refused:
                await client.call("s.wait", at=False)
            assert refused.value.code == "busy"
        assert await other.call("s.wait", at=False) == "done"
        door.opened.set()
        await door.until_inside(0)
        async with asyncio.timeout(10):
            while rtvi.thread_share.running:
                await asyncio.sleep(0.001)
        assert rtvi.thread_share.abandoned == 0
        assert await client.call("s.wait", at=False) == "done"


KINDS: dict[str, Any] = {
    "action": ("client-message", {"t": "s.wait", "d": {}}),
    "legacy action": ("action", {"service": "s", "action": "wait", "arguments": []}),
    "option": ("update-config", {"config": [{"service": "s", "options": [{"name": "o", "value": "x"}]}]}),
    "message": ("client-message", {"t": "m"}),
    "ui event": ("ui-event", {"event": "e"}),
}


@pytest.mark.parametrize(("type_", "data"), KINDS.values(), ids=KINDS.keys())
async def test_every_kind_of_handler_has_the_same_share(door: Door, type_: str, data: Any) -> None:
    rtvi = bot(door, timeout=ENOUGH_S, max_threads=2)
    async with session(rtvi) as client:
        for _ in range(2):
            with pytest.raises(RequestError):
                await client.request(type_, data)
        assert rtvi.thread_share.abandoned == 2
        with pytest.raises(RequestError) as refused:
            await client.request(type_, data)
        assert refused.value.code == "busy"
        assert "Traceback" not in refused.value.text
        door.opened.set()


async def test_a_call_that_waits_for_a_thread_is_timed_and_never_begun(door: Door) -> None:
    async with session(bot(door, timeout=ENOUGH_S, max_threads=1)) as client:
        outcomes = await asyncio.gather(*(client.call("s.wait") for _ in range(5)), return_exceptions=True)
        assert [outcome.code for outcome in outcomes] == ["timeout"] * 5  # type: ignore[union-attr]
        assert (door.inside, door.most) == (1, 1)
        door.opened.set()
        await door.until_inside(0)
        assert door.most == 1
    assert not THREADS._waiting


async def test_the_end_of_a_session_gives_up_what_runs_and_what_waits(door: Door) -> None:
    rtvi = bot(door, max_threads=2)
    async with session(rtvi) as client:
        calls = [asyncio.ensure_future(client.call("s.wait")) for _ in range(5)]
        await door.until_inside(2)
    for call in calls:
        with pytest.raises(ConnectionError):
            await call
    assert (rtvi.thread_share.running, rtvi.thread_share.abandoned) == (2, 2)
    assert not THREADS._waiting


# -- the pool by itself -----------------------------------------------------------------------------------------------


class Owner:
    """What has a share, as sessions do."""

    def __init__(self, limit: int, total: int) -> None:
        self.thread_share = ThreadShare("x", limit, total)


@pytest.mark.standalone("the pool knows no host")
async def test_a_quarter_is_for_sessions_that_have_none(door: Door) -> None:
    threads = HandlerThreads()
    greedy, *others = [Owner(8, 8) for _ in range(3)]
    calls = [asyncio.ensure_future(threads.run(lambda _: door(), greedy)) for _ in range(20)]
    await door.until_inside(6)
    for number, other in enumerate(others):
        calls += [asyncio.ensure_future(threads.run(lambda _: door(), other)) for _ in range(3)]
        await door.until_inside(7 + number)
    assert [one.thread_share.running for one in (greedy, *others)] == [6, 1, 1]
    door.opened.set()
    await asyncio.gather(*calls)
    assert door.most == 8


@pytest.mark.standalone("the pool knows no host")
async def test_who_has_the_fewest_running_comes_first() -> None:
    threads = HandlerThreads()
    first, second = Owner(4, 1), Owner(4, 1)
    door, order = Door(), list[str]()
    calls = [asyncio.ensure_future(threads.run(lambda _: door(), first))]
    await door.until_inside(1)
    for name, owner in [("a", first)] * 3 + [("b", second)] * 2:
        calls.append(asyncio.ensure_future(threads.run(lambda _, name: order.append(name), owner, name)))
        await asyncio.sleep(0)
    door.opened.set()
    await asyncio.gather(*calls)
    assert "".join(order) == "ababa"


@pytest.mark.standalone("the pool knows no host")
async def test_whatever_a_function_raises_reaches_its_caller_and_not_the_thread() -> None:
    threads, owner = HandlerThreads(), Owner(1, 1)

    def fail(_: Any, error: BaseException) -> None:
        raise error

    for error in (ValueError(1), SystemExit(2), asyncio.CancelledError(), BaseExceptionGroup("x", [SystemExit()])):
        with pytest.raises(type(error)):
            await threads.run(fail, owner, error)
    for ending in (StopIteration(), GeneratorExit()):
        with pytest.raises(RuntimeError, match=f"a handler raised {type(ending).__name__}"):
            await threads.run(fail, owner, ending)
    assert await threads.run(lambda _: 7, owner) == 7
    assert (owner.thread_share.running, owner.thread_share.abandoned) == (0, 0)


STUCK = """
import asyncio, threading
from rtvi_plugins import RTVIAction, RTVIProcessor
from rtvi_plugins.testing import connect

def wait(processor, service, arguments):
    print("stuck", flush=True)
    threading.Event().wait()

async def main():
    rtvi = RTVIProcessor()
    rtvi.register_action(RTVIAction("s", "wait", handler=wait, timeout=1))
    async with connect(rtvi) as client:
        try:
            await client.call("s.wait")
        except Exception as error:
            print(error, flush=True)

asyncio.run(main())
"""


def test_a_thread_that_never_ends_does_not_keep_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n") == ["stuck", "Timed out after 1 s", ""]
