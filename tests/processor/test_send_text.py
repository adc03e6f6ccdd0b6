"""Talking: the exact messages of a turn for each generation, interruptions, and responders that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rtvi_plugins import ActionError, RTVIProcessor
from rtvi_plugins.testing import RequestError
from tests.hosts import make
from tests.processor.conftest import session, talking

pytestmark = pytest.mark.standalone("there the answer comes from a stage: tests/pipecat/test_responding.py")


class Says:
    """A responder that says pieces; an exception among them is raised, an event waited for."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces
        self.heard: list[str] = []
        self.ended: list[str] = []

    async def respond(self, processor: RTVIProcessor, text: str) -> AsyncIterator[str]:
        self.heard.append(text)
        try:
            for piece in self.pieces:
                if isinstance(piece, BaseException):
                    raise piece
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                else:
                    yield piece
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("done")


def told(client: Any, *keys: str) -> list[tuple[Any, ...]]:
    """Give type and the named data of every message after `bot-ready`."""
    return [
        (m["type"], *(m["data"][key] for key in keys if key in m.get("data", {})))
        for m in client.received
        if m["type"] != "bot-ready"
    ]


PIECES = ("Good ", "morning. Tea", "? Yes", " please")
OUTPUT = ("bot-output", "text")
SEQUENCES: dict[str | None, list[tuple[str, ...]]] = {
    None: [
        ("user-llm-text", "Hello"),
        ("bot-llm-started",),
        ("bot-llm-text", "Good "),
        ("bot-llm-text", "morning. Tea"),
        ("bot-transcription", "Good morning."),
        ("bot-llm-text", "? Yes"),
        ("bot-transcription", "Tea?"),
        ("bot-llm-text", " please"),
        ("bot-transcription", "Yes please"),
        ("bot-llm-stopped",),
    ],
}
SEQUENCES["1.2.0"] = [
    message
    for one in SEQUENCES[None]
    for message in ([one, ("bot-output", one[1])] if one[0] == "bot-transcription" else [one])
]
SEQUENCES["2.1.0"] = [("user-input", "Hello"), *SEQUENCES["1.2.0"]]


@pytest.mark.parametrize(("version", "expected"), SEQUENCES.items(), ids=str)
async def test_the_messages_of_a_turn(version: str | None, expected: list[tuple[str, ...]]) -> None:
    responder = Says(*PIECES)
    async with session(talking(responder), version=version) as client:
        assert await client.send_text("Hello") == "Good morning. Tea? Yes please"
        assert told(client, "text") == expected
        outputs = [m["data"] for m in client.received if m["type"] == "bot-output"]
        if version == "1.2.0":
            assert outputs[0] == {"text": "Good morning.", "spoken": False, "aggregated_by": "sentence"}
        elif version:
            assert {key: outputs[0][key] for key in ("aggregated_by", "will_be_spoken", "spoken_status")} == {
                "aggregated_by": "sentence",
                "will_be_spoken": False,
                "spoken_status": "new",
            }
            assert len({output["segment_id"] for output in outputs}) == 3
            (heard,) = (m["data"] for m in client.received if m["type"] == "user-input")
            assert {key: heard[key] for key in ("text", "input_type", "final")} == {
                "text": "Hello",
                "input_type": "chat",
                "final": True,
            }
    assert (responder.heard, responder.ended) == (["Hello"], ["done"])


async def test_a_responder_that_says_nothing() -> None:
    async with session(talking(Says()), version="1.2.0") as client:
        assert await client.send_text("Hello") == ""
        assert [m[0] for m in told(client)] == ["user-llm-text", "bot-llm-started", "bot-llm-stopped"]


async def test_texts_that_wait_for_the_next_turn() -> None:
    responder = Says("Yes.")
    async with session(talking(responder), version="1.2.0") as client:
        for text in ("one", "two"):
            await client.send("send-text", {"content": text, "options": {"run_immediately": False}})
        await client.get_config()
        assert responder.heard == []
        await client.send_text("three")
        await client.send_text("four")
    assert responder.heard == ["one\ntwo\nthree", "four"]


async def test_waiting_texts_are_bounded() -> None:
    async with session(talking(Says("Yes."))) as client:
        ids = [
            await client.send("send-text", {"content": str(n), "options": {"run_immediately": False}})
            for n in range(17)
        ]
        await client.get_config()
        assert [len(client.answers(id_)) for id_ in ids] == [0] * 16 + [1]
        assert client.answers(ids[-1])[0]["data"]["error"] == "Too many texts wait for the next turn"


@pytest.mark.parametrize("how", ["interrupt_bot", "new text", "update-config"])
async def test_interrupting(how: str) -> None:
    begun, never = asyncio.Event(), asyncio.Event()
    responder = Says("First. Sec", never)
    rtvi = talking(responder)
    heard: list[str] = []

    @rtvi.event_handler("on_bot_text")
    async def on_bot_text(processor: RTVIProcessor, text: str) -> None:
        heard.append(text)
        begun.set()

    async with session(rtvi) as client:
        waiting = asyncio.ensure_future(client.next("bot-output"))
        await client.send("send-text", {"content": "Hello"})
        await waiting
        if how == "interrupt_bot":
            await rtvi.interrupt_bot()
        elif how == "update-config":
            await client.update_config({}, interrupt=True)
        else:
            responder.pieces = ("Again.",)
            await client.send_text("And?")
        await begun.wait()
        types = [m[0] for m in told(client) if m[0].startswith("bot-")]
        assert types[:6] == [
            "bot-llm-started",
            "bot-llm-text",
            "bot-transcription",
            "bot-output",
            "bot-llm-stopped",
            "bot-interrupted",
        ]
        assert types.count("bot-llm-started") == types.count("bot-llm-stopped")
        assert client.port.interruptions == 1
    assert heard[0] == "First. Sec"
    assert responder.ended[0] == "cancelled"


async def test_a_responder_that_goes_on_after_an_interruption_is_not_heard() -> None:
    class Stubborn:
        async def respond(self, processor: RTVIProcessor, text: str) -> AsyncIterator[str]:
            try:
                yield "one "
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                yield "two"

    rtvi = talking(Stubborn())
    async with session(rtvi) as client:
        waiting = asyncio.ensure_future(client.next("bot-llm-text"))
        await client.send("send-text", {"content": "Hello"})
        await waiting
        await rtvi.interrupt_bot()
        await client.get_config()
        assert [m[1] for m in told(client, "text") if m[0] == "bot-llm-text"] == ["one "]
        assert told(client)[-2][0] == "bot-interrupted"


FAILURES: dict[str, tuple[BaseException, str]] = {
    "refuses": (ActionError("the line is busy"), "the line is busy"),
    "raises": (RuntimeError("private"), "The bot could not answer"),
    "says no text": (KeyError("private"), "The bot could not answer"),
}


@pytest.mark.parametrize(("error", "text"), FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("pieces", [(), ("Well. ",)], ids=["at once", "half-way"])
async def test_a_responder_that_fails(error: BaseException, text: str, pieces: tuple[str, ...]) -> None:
    async with session(talking(Says(*pieces, error)), version="1.2.0") as client:
        failing = asyncio.ensure_future(client.next("error"))
        await client.send_text("Hello")
        assert (await failing)["data"]["error"] == text
        assert [m[0] for m in told(client)][-2:] == ["bot-llm-stopped", "error"]
        failing = asyncio.ensure_future(client.next("error"))
        await client.send_text("Hello again")
        await failing


async def test_a_responder_that_is_cancelled_from_inside() -> None:
    rtvi = talking(Says("Well. ", asyncio.CancelledError()))
    async with session(rtvi) as client:
        assert await client.send_text("Hello") == "Well. "
        assert await client.get_config() == {}
        assert rtvi._turn is None


MALFORMED: dict[str, tuple[Any, str]] = {
    "no data": (None, "content: expected string"),
    "no content": ({}, "content: expected string"),
    "content is a number": ({"content": 3}, "content: expected string"),
    "options are text": ({"content": "x", "options": "y"}, "options: expected object"),
    "run is text": ({"content": "x", "options": {"run_immediately": "no"}}, "options.run_immediately: expected bool"),
    "audio is a number": ({"content": "x", "options": {"audio_response": 1}}, "options.audio_response: expected bool"),
}


@pytest.mark.parametrize(("data", "text"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_texts(data: Any, text: str) -> None:
    responder = Says("Yes.")
    async with session(talking(responder)) as client:
        with pytest.raises(RequestError) as refused:
            await client.request("send-text", data)
        assert refused.value.text.startswith(f"Invalid message: {text}")
    assert responder.heard == []


async def test_nobody_answers_texts() -> None:
    async with session(make()) as client:
        with pytest.raises(RequestError, match="This bot has no responder for text"):
            await client.request("send-text", {"content": "Hello"})


async def test_leaving_ends_the_turn() -> None:
    responder = Says("One. ", asyncio.Event())
    async with session(talking(responder)) as client:
        waiting = asyncio.ensure_future(client.next("bot-llm-text"))
        await client.send("send-text", {"content": "Hello"})
        await waiting
    assert responder.ended == ["cancelled"]
