"""What plugin code hands over to be sent gets its JSON form before it is checked; what has none is named in the log."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import logging
import pathlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from rtvi_plugins import (
    ActionError,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    RTVIUICommandFrame,
)
from rtvi_plugins.processor.message_types import FunctionType, MessageType
from rtvi_plugins.schema import ArgumentSource, compile_arguments, compile_value
from rtvi_plugins.testing import RequestError
from tests.hosts import make, settle
from tests.processor.conftest import Told, action, service, session

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


class Colour(enum.Enum):
    RED = "red"


class Guest(BaseModel):
    name: str
    colour: Colour = Colour.RED


@dataclasses.dataclass
class Room:
    id: uuid.UUID
    guests: list[Guest]
    at: dt.datetime
    plan: pathlib.PurePath


class Connection: ...


ROOM = Room(ID, [Guest(name="Ada")], dt.datetime(2026, 2, 3, tzinfo=dt.UTC), pathlib.PurePosixPath("a/b"))
PLAIN = {
    "id": str(ID),
    "guests": [{"name": "Ada", "colour": "red"}],
    "at": "2026-02-03T00:00:00+00:00",
    "plan": "a/b",
}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 36},
        "guests": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        "at": {"type": "string"},
        "plan": {"type": "string", "pattern": "/"},
    },
    "required": ["id", "guests", "at", "plan"],
    "additionalProperties": False,
}
RESULTS = pytest.mark.parametrize("result", [SCHEMA, "object", None], ids=["schema", "type", "any"])


def returning(value: Any, *, waits: bool = False) -> Callable[..., Any]:
    async def handler(processor: Any) -> Any:
        if waits:
            await asyncio.sleep(0)
        return value

    return handler


def plainly(value: Any) -> Callable[..., Any]:
    def handler(processor: Any) -> Any:
        return value

    return handler


@RESULTS
@pytest.mark.parametrize("kind", ["at once", "waits", "thread", "serial"])
async def test_result_of_an_action(result: Any, kind: str) -> None:
    rtvi = make()
    handler = plainly(ROOM) if kind == "thread" else returning(ROOM, waits=kind == "waits")
    rtvi.register_action(action("s.a", handler, result=result, serial=("s",) if kind == "serial" else None))
    async with session(rtvi) as client:
        assert await client.call("s.a") == PLAIN
        assert await client.action("s", "a") == PLAIN
        assert (await rtvi.run_action("s", "a")) in (PLAIN, ROOM)
        if result is not None:
            assert await rtvi.run_action("s", "a") == PLAIN
    async with session(_again(handler, result), version=None) as client:
        assert await client.action("s", "a") == PLAIN


def _again(handler: Callable[..., Any], result: Any) -> Any:
    rtvi = make()
    rtvi.register_action(action("s.a", handler, result=result))
    return rtvi


async def test_the_form_is_what_is_checked(caplog: pytest.LogCaptureFixture) -> None:
    rtvi = make()
    rtvi.register_action(action("s.a", returning(Guest(name="Ada")), result=SCHEMA))
    async with session(rtvi) as client:
        with pytest.raises(RequestError) as caught:
            await client.call("s.a")
    assert (caught.value.code, caught.value.text) == ("invalid-result", "The action returned an invalid result")
    assert "action s.a returned what its declaration rules out:" in caplog.text
    assert "missing" in caplog.text


@RESULTS
@pytest.mark.parametrize("waits", [False, True])
async def test_what_has_no_form_is_named_in_the_log_alone(
    result: Any, waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rtvi = make()
    value = {"hits": [ROOM, {"by": Connection()}]}
    rtvi.register_action(action("s.a", returning(value, waits=waits), result=result))
    rtvi.register_action(action("s.b", returning(1)))
    async with session(rtvi) as client:
        for call in (lambda: client.call("s.a"), lambda: client.action("s", "a")):
            with pytest.raises(RequestError) as caught:
                await call()
            assert (caught.value.code, caught.value.text) == ("invalid-result", "The action returned an invalid result")
        assert await client.call("s.b") == 1
    text = f"action s.a returned what its declaration rules out: hits.1.by: a '{__name__}.Connection' has no JSON form"
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [text, text]


async def test_a_repeat_is_answered_with_the_form() -> None:
    rtvi = make()
    rtvi.register_action(action("s.a", returning(ROOM), result=SCHEMA))
    async with session(rtvi) as client:
        for _ in range(2):
            data = {"service": "s", "action": "a", "idempotency_key": "k"}
            assert (await client.ask("action", data))["result"] == PLAIN


async def test_jobs() -> None:
    rtvi = make()

    async def work(processor: Any, job: Any) -> Any:
        await job.update({"room": ROOM})
        return ROOM

    rtvi.register_action(action("s.a", work, result=SCHEMA, is_job=True))
    async with session(rtvi) as client:
        await client.call("s.a")
        while client.received[-1]["data"].get("kind") != "group_completed":
            await client.next("ui-job-group")
        told = [message["data"] for message in client.received if message["type"] == "ui-job-group"]
    assert [data["data"] for data in told if data["kind"] == "job_update"] == [{"room": PLAIN}]
    assert [data["response"] for data in told if data["kind"] == "job_completed"] == [PLAIN]


async def test_declared_messages(caplog: pytest.LogCaptureFixture) -> None:
    rtvi = make()

    async def room(processor: Any, data: Any) -> Any:
        return ROOM if data is None else {"by": Connection()}

    tables = dataclasses.replace(
        rtvi._tables, messages={"room": MessageType("room", compile_value(True), compile_value(SCHEMA), room)}
    )
    rtvi._tables = tables
    async with session(rtvi) as client:
        assert await client.ask("room") == PLAIN
        with pytest.raises(RequestError, match="invalid answer"):
            await client.ask("room", {})
    assert f"by: a '{__name__}.Connection' has no JSON form" in caplog.text


async def test_undeclared_messages(caplog: pytest.LogCaptureFixture) -> None:
    rtvi = make()

    @rtvi.event_handler("on_client_message")
    async def answer(processor: Any, message: Any) -> None:
        if message.type == "frame":
            await processor.push_frame(RTVIServerResponseFrame(message, ROOM))
        else:
            await processor.send_server_response(message, ROOM if message.type == "room" else Connection())

    async with session(rtvi) as client:
        assert await client.ask("room") == PLAIN
        assert await client.ask("frame") == PLAIN
        with pytest.raises(RequestError) as caught:
            await client.ask("other")
        assert caught.value.code == "invalid-result"
    assert "Connection" in caplog.text


async def test_what_is_sent() -> None:
    rtvi = make()
    async with session(rtvi) as client:
        await rtvi.send_server_message(ROOM)
        await rtvi.push_frame(RTVIServerMessageFrame(data={"room": ROOM}))
        await rtvi.ui_command("show", ROOM)
        await rtvi.ui_command("toast", Toast("Hello"))
        await rtvi.push_frame(RTVIUICommandFrame("show", {"room": ROOM}))
        with pytest.raises(TypeError, match="Connection' has no JSON form"):
            await rtvi.send_server_message([Connection()])
        with pytest.raises(ValueError, match="Connection' has no JSON form"):
            await rtvi.ui_command("toast", Connection())
        await settle(client)
        assert await client.get_config() == {}
        told = [m["data"] for m in client.received if m["type"] in ("server-message", "ui-command")]
    assert told == [
        PLAIN,
        {"room": PLAIN},
        {"command": "show", "payload": PLAIN},
        {"command": "toast", "payload": {"title": "Hello", "description": None}},
        {"command": "show", "payload": {"room": PLAIN}},
    ]


@dataclasses.dataclass
class Toast:
    title: str
    description: str | None = None


async def test_details_of_a_refusal(caplog: pytest.LogCaptureFixture) -> None:
    rtvi = make()

    async def refuse(processor: Any, *, is_plain: bool = True) -> Any:
        raise ActionError("no", code="full", details={"room": ROOM if is_plain else Connection()})

    rtvi.register_action(action("s.a", refuse))
    rtvi.register_action(action("s.b", lambda processor: refuse(processor, is_plain=False)))
    async with session(rtvi) as client:
        with pytest.raises(RequestError) as caught:
            await client.call("s.a")
        assert (caught.value.code, caught.value.details) == ("full", {"room": PLAIN})
        with pytest.raises(RequestError) as caught:
            await client.call("s.b")
        assert (caught.value.code, caught.value.details) == ("full", None)
    assert "Connection" in caplog.text


async def test_options_that_the_bot_sets(caplog: pytest.LogCaptureFixture) -> None:
    rtvi, told = make(), Told()
    rtvi.register_service(service("s", told.option, room={"type": SCHEMA}, colour="string"))
    async with session(rtvi) as client:
        await rtvi.set_option("s", "room", ROOM)
        await rtvi.set_option("s", "colour", Colour.RED)
        assert await client.get_config() == {"s": {"room": PLAIN, "colour": "red"}}
        with pytest.raises(ActionError) as caught:
            await rtvi.set_option("s", "room", Connection())
        assert "Connection" not in caught.value.text
    assert told == [("s", "room", PLAIN), ("s", "colour", "red")]
    assert f"s.room is not JSON: a '{__name__}.Connection' has no JSON form" in caplog.text


async def test_arguments_of_functions(caplog: pytest.LogCaptureFixture) -> None:
    rtvi = make()
    arguments = compile_arguments({"room": ArgumentSource(SCHEMA)}, {})
    functions = {"show": FunctionType("show", arguments, compile_value(True))}
    rtvi._tables = dataclasses.replace(rtvi._tables, functions=functions)
    async with session(rtvi) as client:
        calling = asyncio.create_task(rtvi.call_function("show", {"room": ROOM}))
        call = (await client.next("llm-function-call-in-progress"))["data"]
        assert call["arguments"] == {"room": PLAIN}
        await client.send("llm-function-call-result", {**call, "result": 1})
        assert await calling == 1
        with pytest.raises(ActionError, match="are not JSON") as caught:
            await rtvi.call_function("show", {"room": Connection()})
        assert "Connection" not in caught.value.text
    assert f"room: a '{__name__}.Connection' has no JSON form" in caplog.text
