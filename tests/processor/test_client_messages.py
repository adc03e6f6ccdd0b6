"""Custom client messages: declared ones, and those that only `on_client_message` knows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from rtvi_plugins import ActionError, RTVIClientMessageFrame, RTVIProcessor
from rtvi_plugins.manifest.model import Limits
from rtvi_plugins.processor.message_types import MessageType
from rtvi_plugins.processor.tables import Tables
from rtvi_plugins.schema import compile_value
from rtvi_plugins.testing import RequestError
from tests.hosts import make
from tests.processor.conftest import quick, session


def hearing(handler: Any, **limits: float) -> RTVIProcessor:
    rtvi = quick(**limits)()
    rtvi.add_event_handler("on_client_message", handler)
    return rtvi


async def test_an_undeclared_message_is_answered_by_the_application() -> None:
    frames: list[RTVIClientMessageFrame] = []

    async def answer(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        frames.append(message)
        await processor.send_server_response(message, {"heard": message.data})

    rtvi = hearing(answer)
    async with session(rtvi) as client:
        assert await client.ask("wave", {"n": 1}) == {"heard": {"n": 1}}
        assert await client.ask("wave") == {"heard": None}
        assert client.port.frames == frames
    assert frames == [RTVIClientMessageFrame("c2", "wave", {"n": 1}), RTVIClientMessageFrame("c3", "wave", None)]


ANSWERS: dict[str, tuple[Any, Any]] = {
    "data": ({"a": 1}, {"t": "wave", "d": {"a": 1}}),
    "false": (False, {"t": "wave", "d": False}),
    "nothing": (None, {"t": "wave"}),
}


@pytest.mark.parametrize(("data", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("by_id", [False, True])
async def test_answers(data: Any, expected: Any, by_id: bool) -> None:
    async def answer(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await processor.send_server_response(message.msg_id if by_id else message, data)

    async with session(hearing(answer)) as client:
        assert await client.request("client-message", {"t": "wave"}) == expected


async def test_a_refusal() -> None:
    async def refuse(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await processor.send_error_response(message, "not now")

    async with session(hearing(refuse)) as client:
        with pytest.raises(RequestError, match="not now"):
            await client.ask("wave")


async def test_an_answer_that_is_no_json() -> None:
    async def answer(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await processor.send_server_response(message, object())

    async with session(hearing(answer)) as client:
        with pytest.raises(RequestError, match="The bot gave an invalid answer"):
            await client.ask("wave")


async def test_only_the_first_answer_counts() -> None:
    async def answer_thrice(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await processor.send_server_response(message, 1)
        await processor.send_server_response(message, 2)
        await processor.send_error_response(message, "three")

    async with session(hearing(answer_thrice)) as client:
        assert await client.ask("wave") == 1
        assert await client.ask("wave") == 1
        assert len(client.answers("c2")) == len(client.answers("c3")) == 1


async def test_nobody_answers_and_late_answers_are_dropped() -> None:
    kept: list[RTVIClientMessageFrame] = []
    heard = asyncio.Event()

    def keep(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        kept.append(message)
        heard.set()

    rtvi = hearing(keep, message_timeout=0.5)
    async with session(rtvi) as client:
        with pytest.raises(RequestError, match="Nobody answered message 'wave'") as failed:
            await client.ask("wave")
        assert failed.value.code == "unanswered"
        for _ in range(3):
            await rtvi.send_server_response(kept[0], "late")
            await rtvi.send_error_response(kept[0].msg_id, "late")
        assert len(client.answers("c2")) == 1
        # The id is free again, and its new request has an answer of its own.
        again = asyncio.ensure_future(client.next("server-response"))
        heard.clear()
        await asyncio.sleep(0)
        await client.send("client-message", {"t": "again"}, "c2")
        await heard.wait()
        await rtvi.send_server_response(kept[1], "in time")
        assert (await again)["data"] == {"t": "again", "d": "in time"}


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (RuntimeError("private"), "The request failed", "action-failed"),
        (SystemExit(3), "The request failed", "action-failed"),
        (asyncio.CancelledError(), "The request was cancelled", "cancelled"),
        (ActionError("Not today", code="closed"), "Not today", "closed"),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_raising_handler_answers_at_once(error: BaseException, text: str, code: str, is_async: bool) -> None:
    def fail(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        raise error

    async def fail_later(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await asyncio.sleep(0)
        raise error

    async with session(hearing(fail_later if is_async else fail, message_timeout=60)) as client:
        with pytest.raises(RequestError) as refused:
            await client.ask("wave")
        assert (refused.value.text, refused.value.code) == (text, code)
        assert await client.get_config() == {}


async def test_a_handler_that_raises_after_its_answer_changes_nothing() -> None:
    async def answer(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await processor.send_server_response(message, 1)
        raise RuntimeError("private")

    async with session(hearing(answer)) as client:
        assert await client.ask("wave") == 1
        assert await client.get_config() == {}
        assert len(client.answers("c2")) == 1


def test_the_server_gives_up_before_the_client() -> None:
    """Clients wait 10 s; what comes then never reaches whoever asked."""
    for name in ("message_timeout", "option_timeout"):
        assert getattr(Limits(), name) == RTVIProcessor.limits[name] <= 8


async def test_unanswered_messages_are_bounded() -> None:
    kept: list[RTVIClientMessageFrame] = []
    rtvi = hearing(lambda processor, message: kept.append(message), max_actions=2)
    async with session(rtvi) as client:
        asks = [asyncio.create_task(client.ask("wave")) for _ in range(3)]
        refused = await client.next("error-response")
        assert refused["data"]["error"] == "Too many unanswered messages"
        for message in kept:
            await rtvi.send_server_response(message)
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        assert [isinstance(outcome, RequestError) for outcome in outcomes] == [False, False, True]


@pytest.mark.standalone("in a pipeline a stage may answer: tests/pipecat/test_frames.py")
async def test_nobody_listens() -> None:
    async with session(make()) as client:
        with pytest.raises(RequestError, match="Unknown message 'wave'") as refused:
            await client.ask("wave")
        assert (refused.value.code, refused.value.category) == ("unknown-message", "protocol")
        for data in (None, {}, {"t": 3}, {"d": 1}):
            with pytest.raises(RequestError, match="Invalid message: t: expected string"):
                await client.request("client-message", data)


def declaring(handler: Any, timeout: float = 5) -> RTVIProcessor:
    """Make a processor that declares the message `echo`: a mapping with a number `n` in, a string out."""
    number = {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}
    echo = MessageType("echo", compile_value(number), compile_value({"type": "string"}), handler, timeout)
    body = {"tables": replace(Tables(), messages=MappingProxyType({"echo": echo})), "__slots__": ()}
    return make(type("Declaring", (RTVIProcessor,), body))


async def test_declared_messages() -> None:
    async def echo(processor: RTVIProcessor, data: Any) -> Any:
        match data["n"]:
            case 1:
                raise ActionError("not one", code="one")
            case 2:
                raise ValueError("private")
            case 3:
                return 3
            case 4:
                raise asyncio.CancelledError
            case 5:
                await asyncio.Event().wait()
        return f"got {data['n']}"

    async with session(declaring(echo, 0.02)) as client:
        assert await client.ask("echo", {"n": 0}) == "got 0"
        for data, text, code in (
            ({"n": 1}, "not one", "one"),
            ({"n": 2}, "The request failed", "action-failed"),
            ({"n": 3}, "The bot gave an invalid answer", "invalid-result"),
            ({"n": 4}, "The request was cancelled", "cancelled"),
            ({"n": 5}, "Timed out after 0.02 s", "timeout"),
            ({"n": "x"}, "Invalid data for echo: n: expected number, got string", "invalid-message"),
            ({}, "Invalid data for echo: n: missing", "invalid-message"),
            (None, "Invalid data for echo: expected object, got null", "invalid-message"),
        ):
            with pytest.raises(RequestError) as failed:
                await client.ask("echo", data)
            assert (failed.value.text, failed.value.code) == (text, code)
