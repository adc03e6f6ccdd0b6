"""Whatever JSON stands in whatever field of a message: it gets its one answer, and the session goes on.

Before, during and after the handshake, for every generation of clients, on both hosts.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import loguru
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rtvi_plugins import RTVIActionArgument, RTVIClientMessageFrame, RTVIProcessor
from rtvi_plugins.processor.tables import FunctionType, MessageType, UIEventType
from rtvi_plugins.protocol.messages import LABEL, ClientType
from rtvi_plugins.schema import compile_arguments, compile_value
from tests.hosts import HOSTS, connect, settle
from tests.processor.conftest import action, assert_idle, quick, service

ID: Final = "an id of its own"
"""Stands in a message for an id that no other message of the session has."""

UNANSWERED: Final = {
    ClientType.SEND_TEXT, ClientType.SEND_FILE, ClientType.APPEND_TO_CONTEXT, ClientType.DTMF, ClientType.RAW_AUDIO,
    ClientType.RAW_AUDIO_BATCH, ClientType.LLM_FUNCTION_CALL_RESULT, ClientType.UI_EVENT, ClientType.UI_SNAPSHOT,
    ClientType.UI_CANCEL_JOB_GROUP,
}  # fmt: skip
"""Messages that are answered only when something is wrong with them."""

TEXT: Final = {"content": "hello", "options": {"run_immediately": True, "audio_response": True}}
FILE: Final = {"format": "image/png", "name": "x", "source": {"type": "bytes", "bytes": "AAAA", "width": 1}}
CALL: Final = {"service": "s", "action": "act", "arguments": [{"name": "n", "value": 1}], "idempotency_key": "k"}
UPDATE: Final = {"config": [{"service": "s", "options": [{"name": "o", "value": "x"}]}], "interrupt": True}
AUDIO: Final = {"base64Audio": "AAAA", "base64AudioBatch": ["AAAA", None], "sampleRate": 16000, "numChannels": 1}
RESULT: Final = {"function_name": "f", "tool_call_id": "call", "arguments": {}, "result": 1}
GOOD: Final[tuple[tuple[str, Any], ...]] = (
    (ClientType.CLIENT_READY, {"version": "2.1.0", "about": {"library": "x", "platform_details": {}}}),
    (ClientType.ACTION, CALL),
    (ClientType.UPDATE_CONFIG, UPDATE),
    (ClientType.GET_CONFIG, {}),
    (ClientType.DESCRIBE_BOT, None),
    (ClientType.DESCRIBE_ACTIONS, {}),
    (ClientType.DESCRIBE_CONFIG, {}),
    (ClientType.CLIENT_MESSAGE, {"t": "action", "d": CALL}),
    (ClientType.CLIENT_MESSAGE, {"t": "update-config", "d": UPDATE}),
    (ClientType.CLIENT_MESSAGE, {"t": "s.act", "d": {"n": 1}}),
    (ClientType.CLIENT_MESSAGE, {"t": "echo", "d": {"a": []}}),
    (ClientType.CLIENT_MESSAGE, {"t": "undeclared", "d": [{}]}),
    (ClientType.SEND_TEXT, TEXT),
    (ClientType.APPEND_TO_CONTEXT, {"role": "user", "content": "x", "run_immediately": True}),
    (ClientType.SEND_FILE, {"content": "look", "file": FILE, "options": TEXT["options"]}),
    (ClientType.DTMF, {"buttons": ["1", "#"], "button": "2"}),
    (ClientType.RAW_AUDIO, AUDIO),
    (ClientType.RAW_AUDIO_BATCH, AUDIO),
    (ClientType.LLM_FUNCTION_CALL_RESULT, RESULT),
    (ClientType.UI_EVENT, {"event": "clicked", "payload": {"a": 1}}),
    (ClientType.UI_SNAPSHOT, {"tree": {"root": {"ref": "e1", "role": "page", "children": []}, "captured_at": 1}}),
    (ClientType.UI_CANCEL_JOB_GROUP, {"job_id": "j", "reason": "x"}),
    ("no-such-type", {}),
)


class Phases(NamedTuple):
    """What is sent before `client-ready`, while the bot prepares, and after; and the client's version."""

    before: list[Any]
    during: list[Any]
    after: list[Any]
    version: str | None


words = st.sampled_from(
    ["", "rtvi-ai", "client-ready", "action", "s", "act", "f", "call", "echo", "s.act", "k", "2.1.0"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*at, key)
        yield from places(inner, (*at, key))


@st.composite
def envelopes(draw: st.DrawFn) -> dict[str, Any]:
    """Take a good message, and put any JSON into up to two places of it, or take what is there away."""
    type_, data = draw(st.sampled_from(GOOD))
    message: dict[str, Any] = {"label": LABEL, "type": str(type_), "id": ID, "data": copy.deepcopy(data)}
    for _ in range(draw(st.integers(0, 2))):
        found = list(places(message))
        *way, key = draw(st.sampled_from(found))
        inner: Any = message
        for step in way:
            inner = inner[step]
        if draw(st.booleans()) and isinstance(inner, dict) and key != "label":
            del inner[key]
        else:
            inner[key] = draw(values)
    return message


wholes = values.filter(lambda value: value is not None)
"""What is no envelope at all; None is how a session hears that its client has gone."""
sent = st.lists(envelopes() | wholes, max_size=6).map(
    lambda given: [one for one in given if not isinstance(one, dict) or one.get("type") != "disconnect-bot"]
)
phases = st.builds(Phases, sent, sent, sent, st.sampled_from([None, "0.3.0", "1.2.0", "2.1.0", "2.2.0"]))


def odd(type_: Any) -> list[Any]:
    """Give one message with any type, which is what ended sessions once."""
    return [{"label": LABEL, "type": type_, "id": ID}]


@pytest.mark.parametrize("on_host", HOSTS, indirect=True)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@example(Phases(odd([]), odd({}), odd([[]]), "2.1.0"))
@example(Phases(odd({"a": 1}), odd(7), odd(None), None))
@given(given_=phases)
def test_any_json_anywhere(on_host: str, given_: Phases) -> None:
    logged: list[str] = []
    handler = _Noting(logged)
    logging.getLogger().addHandler(handler)
    sink = loguru.logger.add(lambda record: logged.append(str(record)), level="ERROR")
    try:
        asyncio.run(play(given_))
    finally:
        logging.getLogger().removeHandler(handler)
        loguru.logger.remove(sink)
    assert logged == []


class _Noting(logging.Handler):
    """Notes errors and everything that comes with a traceback."""

    def __init__(self, logged: list[str]) -> None:
        super().__init__()
        self._logged = logged

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self._logged.append(self.format(record))


def numbered(message: Any, number: int) -> Any:
    if isinstance(message, dict) and message.get("id") == ID:
        return {**message, "id": f"m{number}"}
    return message


def is_ours(message: Any) -> bool:
    return isinstance(message, dict) and message.get("label") == LABEL and isinstance(message.get("id"), str)


def needs_answer(message: dict[str, Any]) -> bool:
    """Return whether a message is a request, or is none that anybody knows."""
    type_, data = message.get("type"), message.get("data")
    return not isinstance(type_, str) or type_ not in UNANSWERED or not isinstance(data, dict | None)


async def play(phases: Phases) -> None:
    """Talk to a bot in three phases and check the answers."""
    rtvi, begin = bot()
    number = 0
    messages: list[Any] = []
    async with connect(rtvi, ready=False, version=phases.version) as client:
        client.timeout = 5

        async def put(given: list[Any]) -> None:
            nonlocal number
            for message in given:
                number += 1
                messages.append(numbered(message, number))
                await client.send_raw(messages[-1])
            await asyncio.sleep(0)

        await put(phases.before)
        greeting = asyncio.create_task(client.ready())
        await asyncio.sleep(0.001)
        await put(phases.during)
        begin.set()
        await greeting
        await rtvi.handle_function_call("f", "call", {})
        await put(phases.after)
        assert [entry["name"] for entry in await client.describe_config()] == ["s"]
        await rtvi.wait_idle()
        await settle(client)
        assert await client.call("s.act", n=5) == 5
        received = list(client.received)
    assert_idle(rtvi)
    check(messages, received)


def check(messages: list[Any], received: list[dict[str, Any]]) -> None:
    most = Counter(message["id"] for message in messages if is_ours(message))
    least = Counter(message["id"] for message in messages if is_ours(message) and needs_answer(message))
    answered = Counter(
        message["id"]
        for message in received
        # A warning: `bot-ready` follows it.
        if "id" in message and (message.get("data") or {}).get("code") != "incompatible-version"
    )
    for id_ in most:
        assert least[id_] <= answered[id_] <= most[id_], (id_, messages, received)
    codes = {message["data"].get("code") for message in received if message["type"] in ("error-response", "error")}
    assert "internal" not in codes
    assert not {id_ for id_ in answered if id_.startswith("m")} - most.keys()


def bot() -> tuple[RTVIProcessor, asyncio.Event]:
    """Make a processor with something for every message, and what lets its handshake go on."""
    begin = asyncio.Event()
    rtvi = quick(responder=Says(), message_timeout=0.05)()

    async def act(processor: RTVIProcessor, *, n: Any = None, **_: Any) -> Any:
        return n

    async def echo(processor: RTVIProcessor, data: Any) -> Any:
        return data

    async def clicked(processor: RTVIProcessor, payload: Any) -> None:
        pass

    rtvi.register_service(service("s", None, o={"type": "string", "default": "a"}))
    rtvi.register_action(action("s.act", act, [RTVIActionArgument("n", "number")]))
    anything, an_object = compile_value(True), compile_value({"type": "object"})
    nothing = compile_arguments({}, {})
    rtvi._tables = replace(
        rtvi._tables,
        messages=MappingProxyType({"echo": MessageType("echo", an_object, anything, echo)}),
        functions=MappingProxyType({"f": FunctionType("f", nothing, compile_value({"type": "integer"}), 0.05)}),
        ui_events=MappingProxyType({"clicked": UIEventType("clicked", an_object, clicked)}),
    )

    @rtvi.event_handler("on_client_ready")
    async def ready(processor: RTVIProcessor) -> None:
        await begin.wait()
        await processor.set_bot_ready()

    @rtvi.event_handler("on_client_message")
    async def hear(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        await processor.send_server_response(message, 1)

    return rtvi, begin


class Says:
    """A responder that keeps a context."""

    def append(self, processor: RTVIProcessor, role: str, content: Any) -> None:
        pass

    async def respond(self, processor: RTVIProcessor, text: str) -> AsyncIterator[str]:
        yield "Yes."
