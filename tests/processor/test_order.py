"""A change of the configuration takes effect where the client put it: behind what it sent before, before what follows.

Everything is sent in one burst, so that all of it lies ready before the first is handled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from rtvi_plugins import RTVIActionArgument, RTVIProcessor
from tests.hosts import make
from tests.processor.conftest import action, service, session

ENTRIES: Final = [{"service": "voice", "options": [{"name": "rate", "value": 1}]}]


def _legacy(name: str, n: int) -> tuple[str, Any]:
    return "action", {"service": "voice", "action": name, "arguments": [{"name": "n", "value": n}]}


def _by_t(name: str, n: int) -> tuple[str, Any]:
    return "client-message", {"t": "action", "d": {"service": "voice", "action": name, "arguments": {"n": n}}}


def _short(name: str, n: int) -> tuple[str, Any]:
    return "client-message", {"t": f"voice.{name}", "d": {"n": n}}


def _keyed(name: str, n: int) -> tuple[str, Any]:
    data = {"service": "voice", "action": name, "arguments": {"n": n}, "idempotency_key": f"k{n}"}
    return "action", data


ACTIONS: Final = {"legacy": _legacy, "t": _by_t, "short": _short, "keyed": _keyed}
CHANGES: Final = {
    "legacy": ("update-config", {"config": ENTRIES}),
    "t": ("client-message", {"t": "update-config", "d": {"config": ENTRIES}}),
}
READS: Final = {
    "legacy": ("get-config", None),
    "t": ("client-message", {"t": "get-config"}),
}


class Speaking:
    """A bot whose actions note what the configuration was when they began, and wait or do not."""

    def __init__(self, handler: Any = None) -> None:
        self.seen: list[Any] = []
        self.open = asyncio.Event()
        self.rtvi: RTVIProcessor = make()
        self.rtvi.register_service(service("voice", handler, rate={"type": "integer", "default": 0}))
        n = (RTVIActionArgument("n", "integer"),)
        for name, say in (("waits", self._wait), ("ready", self._be_ready)):
            self.rtvi.register_action(action(f"voice.{name}", say, n))
            self.rtvi.register_action(action(f"voice.{name}_in_turn", say, n, serial=(name,)))

    def _note(self, processor: RTVIProcessor, n: int) -> None:
        self.seen.append((n, processor.config["voice"]["rate"]))

    async def _wait(self, processor: RTVIProcessor, *, n: int) -> int:
        self._note(processor, n)
        await self.open.wait()
        return n

    async def _be_ready(self, processor: RTVIProcessor, *, n: int) -> int:
        self._note(processor, n)
        return n


async def send(client: Any, messages: list[tuple[str, Any]]) -> list[str]:
    """Put messages on the wire in one go; give their ids."""
    return [await client.send(type_, data) for type_, data in messages]


async def until_answered(client: Any, ids: list[str]) -> list[dict[str, Any]]:
    """Wait for the answers to some requests."""
    async with asyncio.timeout(120):
        while not all(client.answers(id_) for id_ in ids):
            await asyncio.sleep(0)
    return [client.answers(id_)[0] for id_ in ids]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS.keys())
@pytest.mark.parametrize("before", [1, 2, 3, 100])
async def test_a_change_behind_actions_that_wait(
    act: Callable[[str, int], tuple[str, Any]], change: tuple[str, Any], before: int
) -> None:
    bot = Speaking()
    async with session(bot.rtvi) as client:
        first = [act("waits", n) for n in range(before)]
        after = [act("waits", n) for n in range(before, before + 2)]
        ids = await send(client, [*first, change, *after])
        await until_answered(client, [ids[before]])
        bot.open.set()
        assert {message["type"] for message in await until_answered(client, ids)} <= {
            "action-response",
            "server-response",
            "config",
        }
    assert bot.seen == [(n, 0 if n < before else 1) for n in range(before + 2)]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS.keys())
@pytest.mark.parametrize("names", [("waits", "ready"), ("ready", "waits"), ("ready", "ready"), ("waits", "waits")])
@pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "others wait"])
async def test_a_change_behind_two_actions(
    act: Callable[[str, int], tuple[str, Any]], change: tuple[str, Any], names: tuple[str, str], is_busy: bool
) -> None:
    bot = Speaking()
    async with session(bot.rtvi) as client:
        if is_busy:
            await send(client, [act("waits", 90), act("waits", 91)])
            while len(bot.seen) < 2:
                await asyncio.sleep(0)
            bot.seen.clear()
        messages = [act(names[0], 0), act(names[1], 1), change, act("ready", 2), change, act("waits", 3)]
        ids = await send(client, messages)
        await until_answered(client, [ids[2], ids[3], ids[4]])
        bot.open.set()
        await until_answered(client, ids)
    assert bot.seen == [(0, 0), (1, 0), (2, 1), (3, 1)]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("is_waiting", [True, False], ids=["waits", "ready"])
async def test_reads_see_what_was_changed_before_them(
    change: tuple[str, Any], read: tuple[str, Any], is_waiting: bool
) -> None:
    bot = Speaking()
    name = "waits" if is_waiting else "ready"
    async with session(bot.rtvi) as client:
        ids = await send(client, [_short(name, 0), _short(name, 1), read, change, read, _short(name, 2), read])
        reads = await until_answered(client, [ids[2], ids[4], ids[6]])
        bot.open.set()
        await until_answered(client, ids)
        values = [(m["data"] if m["type"] == "config" else m["data"]["d"])["config"] for m in reads]
        assert [value[0]["options"][0]["value"] for value in values] == [0, 1, 1]
    assert bot.seen == [(0, 0), (1, 0), (2, 1)]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("names", [("waits", "waits"), ("waits_in_turn", "ready_in_turn"), ("ready", "waits")])
async def test_the_handler_of_an_option_runs_behind_actions_that_came_before(
    change: tuple[str, Any], names: tuple[str, str]
) -> None:
    told: list[Any] = []

    async def set_rate(processor: RTVIProcessor, _service: str, option: Any) -> None:
        told.append((option.value, list(bot.seen), processor.config["voice"]["rate"]))

    bot = Speaking(set_rate)
    async with session(bot.rtvi) as client:
        told.clear()
        ids = await send(client, [_short(names[0], 0), _short(names[1], 1), change])
        await until_answered(client, [ids[2]])
        bot.open.set()
        ids += await send(client, [_short("ready", 2)])
        await until_answered(client, ids)
    assert told == [(1, [(0, 0), (1, 0)], 0)]
    assert bot.seen == [(0, 0), (1, 0), (2, 1)]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_the_handler_of_an_option_begins_before_actions_that_came_after(change: tuple[str, Any]) -> None:
    begun: list[Any] = []
    told = asyncio.Event()

    async def set_rate(processor: RTVIProcessor, _service: str, option: Any) -> None:
        if option.value:
            begun.extend([*bot.seen, "handler"])
            await told.wait()

    bot = Speaking(set_rate)
    async with session(bot.rtvi) as client:
        ids = await send(client, [_short("waits", 0), _short("waits", 1), change, _short("ready", 2)])
        await until_answered(client, [ids[3]])
        assert begun == [(0, 0), (1, 0), "handler"]
        told.set()
        bot.open.set()
        await until_answered(client, ids)


async def test_a_refused_change_holds_nothing_up_and_changes_nothing() -> None:
    bot = Speaking()
    wrong = {"config": [{"service": "voice", "options": [{"name": "rate", "value": "fast"}]}]}
    async with session(bot.rtvi) as client:
        ids = await send(client, [_short("waits", 0), _short("waits", 1), ("update-config", wrong), _short("ready", 2)])
        answers = await until_answered(client, ids[2:])
        assert [m["type"] for m in answers] == ["error-response", "server-response"]
        bot.open.set()
        await until_answered(client, ids)
    assert bot.seen == [(0, 0), (1, 0), (2, 0)]
