"""Work on a message is bounded, whatever it holds: on every way in, on both hosts, counted and compared."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from benchmarks.hostile.hosts import InPipeline, Standalone, Told, send, session
from benchmarks.hostile.shapes import HTTP, VALUES, WAYS, Case, message
from tests.pace import HANG_S, cost, reference

SHAPES = ("names", "integers", "records", "fractions and nulls", "lists", "words", "too many lists")
NAME_OF = {"standalone": "standalone", "pipecat": "pipeline"}
MOST_TIMES = 10
"""What one message may take, in references (some 20 ms). Explaining 130,000 items took 15 to 60; slow machines vary."""


class Calls:
    """How many functions were called, in Python and in C."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the calls of this thread."""

        def note(_frame: object, event: str, _argument: object) -> None:
            self.number += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            yield
        finally:
            sys.setprofile(None)


async def sent(opened: Standalone | InPipeline, case: Case) -> Told | None:
    return await asyncio.wait_for(send(opened, case), HANG_S)


async def calls_of(opened: Standalone | InPipeline, case: Case) -> int:
    calls = Calls()
    with calls.counted():
        await sent(opened, case)
    return calls.number


def ways(shape: str, scale: float) -> Iterator[Case]:
    value = VALUES[shape](scale)
    yield from (Case(way, shape, write(value)) for way, write in WAYS.items())
    yield from (Case(way, shape, write(value), path) for way, (path, write) in HTTP.items())


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_message_ten_times_as_large_takes_no_more_calls(shape: str, on_host: str) -> None:
    grown = []
    async with session(NAME_OF[on_host]) as opened:
        for small, large in zip(ways(shape, 0.1), ways(shape, 1), strict=True):
            few, many = await calls_of(opened, small), await calls_of(opened, large)
            if many > 2 * few + 4_000:  # a tenth of its values would be 4,500 and more, each with some calls
                grown.append((large.name, few, many))
    assert grown == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
async def test_no_message_takes_long(shape: str, on_host: str) -> None:
    most = MOST_TIMES * cost(reference, runs=3)
    slow = []
    async with session(NAME_OF[on_host]) as opened:
        for case in ways(shape, 1):
            told = await sent(opened, case)
            if told and told.seconds > most:
                again = await sent(opened, case)
                if again and again.seconds > most:
                    slow.append((case.name, again.seconds / most))
    assert slow == []


LARGE: list[tuple[str, Callable[[], str]]] = [
    ("unknown arguments", lambda: WAYS["action, arguments"](VALUES["names"](1))),
    ("unknown arguments, short form", lambda: WAYS["short form, arguments"](VALUES["similar names"](1))),
    ("wrong items", lambda: WAYS["action, integers"](VALUES["texts"](1))),
    ("wrong records", lambda: WAYS["action, records"](VALUES["wrong records"](1))),
    ("wrong items of a message", lambda: WAYS["client-message, strict"](VALUES["texts"](1))),
    ("wrong items of an option", lambda: WAYS["update-config, integers"](VALUES["texts"](1))),
    ("wrong properties of an event", lambda: WAYS["ui-event, strict"](VALUES["names"](1))),
    (
        "unknown options",
        lambda: message(
            "update-config",
            {"config": [{"service": "shop", "options": [{"name": f"option{n}", "value": 1} for n in range(24_000)]}]},
        ),
    ),
]


@pytest.mark.parametrize("text", [make for _, make in LARGE], ids=[name for name, _ in LARGE])
async def test_a_refusal_tells_a_hundred_faults_and_shows_twenty(text: Callable[[], str], on_host: str) -> None:
    async with session(NAME_OF[on_host]) as opened:
        told = await asyncio.wait_for(opened.cost(text()), HANG_S)
    refusals = [orjson.loads(said) for said in told.said if b'"type":"error-response"' in said]
    assert len(refusals) == 1
    data = refusals[0]["data"]
    assert len(data["details"]) == 100
    assert data["error"].endswith("; and 80 more")
    assert sum("did you mean" in one["text"] for one in data["details"]) <= 20
    assert len(json.dumps(data)) < 60_000


@pytest.mark.parametrize(
    ("shape", "text"),
    [("too many lists", "more than 131072 values"), ("too many integers", "more than 131072 values"),
     ("too deep", "nested more than 64 deep")],
)  # fmt: skip
async def test_bounds_of_every_message_are_told_by_reply(shape: str, text: str, on_host: str) -> None:
    async with session(NAME_OF[on_host]) as opened:
        for is_binary in (False, True):
            case = Case("", shape, WAYS["short form, any value"](VALUES[shape](1)))
            told = await asyncio.wait_for(send(opened, case, is_binary=is_binary), HANG_S)
            assert told is not None
            [refusal] = [said for said in told.said if b'"error-response"' in said]
            assert f"Invalid message: {text}".encode() in refusal
            assert b'"code":"invalid-message"' in refusal


@pytest.mark.parametrize("shape", ["pairs of brackets", "text", "escapes", "objects", "names with texts", "lists"])
async def test_what_echoes_a_megabyte_is_answered(shape: str, on_host: str) -> None:
    value = VALUES[shape](1)
    async with session(NAME_OF[on_host]) as opened:
        for _ in range(3):
            told = await asyncio.wait_for(opened.cost(WAYS["action, any value"](value)), HANG_S)
            [answer] = [
                said for said in told.said if b'"action-response"' in said[:100] or b'"action-response"' in said
            ]
            begin = answer.index(b"{")
            assert orjson.loads(answer[begin:])["data"]["result"] == value


async def test_patterns_that_go_back_have_one_budget_for_a_message(on_host: str) -> None:
    async with session(NAME_OF[on_host]) as opened:
        few = await opened.cost(WAYS["action, costly"](["aaa", "aa"]))
        many = await opened.cost(WAYS["action, costly"](VALUES["costly texts"](1)))
        after = await opened.cost(WAYS["action, costly"](["aaa", "aa"]))
    assert not few.is_refused
    assert not after.is_refused, "the next message has a budget of its own"
    [refusal] = [orjson.loads(said)["data"] for said in many.said if b'"error-response"' in said]
    assert refusal["code"] == "invalid-arguments"
    assert len(refusal["details"]) <= 100


PLACES: list[tuple[str, Any, str, str]] = [
    ("action", {"service": "shop", "action": "keep", "arguments": {}}, "/value", "value: missing"),
    ("client-message", {"t": "shop.keep", "d": {}}, "/value", "value: missing"),
    ("action", {"service": "shop"}, "/action", "action: missing"),
    ("action", None, "/data", "data: missing"),
    ("client-message", {"t": "integers", "d": [1, "x"]}, "/1", "1: expected integer, got string"),
    ("client-message", {"t": "shop.keep", "d": 1}, "/d", "d: expected object"),
    ("update-config", {"config": [{"service": "shop", "options": [{"name": "numbers", "value": ["x"]}]}]},
     "/config/0/options/0/value/0", "shop.numbers.0: expected integer, got string"),
    ("update-config", {}, "/config", "config: expected array"),
    ("send-text", {}, "/content", "content: expected string"),
    ("ui-event", {"event": "clicked", "payload": {"room": 1}}, "/room", "room: expected string, got integer"),
    ("ui-event", {}, "/event", "event: expected string"),
    ("ui-snapshot", {}, "/tree", "tree: expected object with root"),
    ("dtmf", {"buttons": ["x"]}, "/buttons/0", "buttons.0: expected one of"),
    ("llm-function-call-result", {}, "/tool_call_id", "tool_call_id: expected string"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "data", "pointer", "text"), PLACES, ids=[f"{p[0]} {p[2]}" for p in PLACES])
async def test_every_refusal_names_its_places_in_the_same_way(
    type_: str, data: Any, pointer: str, text: str, on_host: str
) -> None:
    async with session(NAME_OF[on_host]) as opened:
        told = await opened.cost(message(type_, data))
    [refusal] = [orjson.loads(said)["data"] for said in told.said if b'"type":"error-response"' in said]
    lead, _, said = refusal["error"].partition(": ")
    assert lead.startswith("Invalid ")
    assert said.startswith(text)
    [detail] = refusal["details"]
    assert detail["pointer"] == pointer
    assert f"{detail['where']} {detail['text']}".startswith(text)
