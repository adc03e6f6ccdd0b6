"""Custom messages, change events, context, media and the handshake's repetitions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import ActionError, RTVIClientMessageFrame, RTVIProcessor, RTVIServerResponseFrame
from rtvi_plugins.processor.media import _KEY
from tests.hosts import make

from .harness import Talk, made, raised, session, whole

CLOSED = {"desk": {"sign": "closed"}, "llm": {}}

# -- client-message ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [0, False, "", [], {}, {"a": None}, "text", None], ids=repr)
@pytest.mark.parametrize("t", ["answer-directly", "answer-by-frame"])
async def test_the_application_answers_what_is_not_declared(t: str, d: Any) -> None:
    async with session() as client:
        assert await client.ask(t, d) == d


async def test_declared_messages_are_checked_and_answered() -> None:
    async with session() as client:
        assert await client.ask("echo", {"a": [None]}) == {"a": [None]}
        wrongs: list[Any] = [7, None, [], "x"]
        for wrong in wrongs:
            refusal = await client.refused("client-message", {"t": "echo", "d": wrong})
            assert refusal.text.startswith("Invalid data for echo")
        assert [(frame.type, frame.data) for frame in client.port.frames] == [("echo", {"a": [None]})]


@pytest.mark.parametrize("data", [None, {}, {"t": 7}, {"t": None, "d": 1}])
async def test_a_message_without_a_type_is_refused(data: Any) -> None:
    async with session() as client:
        assert (await client.refused("client-message", data)).text == "Invalid message: t: expected string"


async def test_what_nobody_answers_is_refused_in_time_and_once() -> None:
    processor = made(message_timeout=0.02)
    handed: list[RTVIClientMessageFrame] = []

    @processor.event_handler("on_client_message")
    async def keep(_processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        handed.append(message)

    async with session(processor) as client:
        refusal = await client.refused("client-message", {"t": "make-tea"})
        assert (refusal.text, refusal.code) == ("Nobody answered message 'make-tea'", "unanswered")
        await processor.send_server_response(handed[0], "late")
        await processor.push_frame(RTVIServerResponseFrame(handed[0], error="late, too"))
        assert len(client.answers(handed[0].msg_id)) == 1


async def test_an_answer_given_twice_is_sent_once() -> None:
    async with session() as client:
        id_ = await client.send("client-message", {"t": "answer-directly", "d": 1})
        await client.settle()
        await client.processor.push_frame(RTVIServerResponseFrame(RTVIClientMessageFrame(id_, "x"), "again"))
        assert len(client.answers(id_)) == 1


@pytest.mark.standalone("in a pipeline a stage may answer: tests/pipecat/test_frames.py")
async def test_without_anybody_to_listen_an_unknown_message_is_refused_at_once() -> None:
    async with session(made(message_timeout=60)) as client:
        refusal = await client.refused("client-message", {"t": "ehco"})
        assert (refusal.text, refusal.code) == ("Unknown message 'ehco'; did you mean 'echo'?", "unknown-message")


# -- change events ----------------------------------------------------------------------------------------------------


async def change(client: Talk, name: str, value: Any) -> Any:
    return await client.call("desk.set_option", name=name, value=value)


async def test_changes_by_the_bot_are_checked_applied_and_announced() -> None:
    async with session() as client:
        await change(client, "sign", "closed")
        entry = {"service": "desk", "options": [{"name": "sign", "value": "closed"}]}
        announced = {"type": "config-changed", "config": [entry]}
        assert client.server_messages == [announced]
        assert await client.get_config() == CLOSED
        for name, value, code in [
            ("sign", "ajar", "invalid-configuration"),
            ("sgin", "open", "invalid-configuration"),
            ("sign", "back soon", "refused"),
        ]:
            error = await raised(client.processor.set_option("desk", name, value))
            assert isinstance(error, ActionError)
            assert error.code == code
        assert client.server_messages == [announced]
        assert client.processor.config["desk"]["sign"] == "closed"


async def test_secrets_and_what_clients_may_not_see_are_never_announced() -> None:
    async with session() as client:
        await change(client, "pin", "hush-hush")
        await change(client, "hours", {"mon": "9-17"})
        assert client.processor.config["desk"]["pin"] == "hush-hush"
        assert client.server_messages == []
        error = await raised(client.processor.set_option("desk", "pin", "hus"))
        assert "'hus'" not in str(error)
        assert "hush" not in str(client.received)


async def test_a_clients_own_update_is_not_announced_to_it() -> None:
    async with session() as client:
        assert await client.update_config({"desk": {"sign": "closed"}}) == CLOSED
        assert client.server_messages == []


async def test_nothing_is_announced_where_the_manifest_does_not_say_so() -> None:
    quiet: Any = type("Quiet", (whole().processor_class,), {"announces_changes": False, "__slots__": ()})
    async with session(make(quiet)) as client:
        await client.processor.set_option("desk", "sign", "closed")
        assert await client.get_config() == CLOSED
        assert client.server_messages == []
    assert RTVIProcessor.announces_changes is False


# -- context ----------------------------------------------------------------------------------------------------------


@pytest.mark.standalone("a pipeline keeps the context itself: tests/pipecat/test_stock.py")
async def test_a_responder_that_keeps_a_context_is_given_messages() -> None:
    async with session() as client:
        for content in ("Be kind.", [{"type": "text", "text": "x"}], None):
            id_ = await client.send("append-to-context", {"role": "system", "content": content})
        await client.settle()
        assert client.answers(id_) == []
        told = await client.call("llm.get_context")
        assert [message["content"] for message in told["messages"]] == [
            "Be kind.",
            [{"type": "text", "text": "x"}],
            None,
        ]
        stopped = asyncio.ensure_future(client.next("bot-llm-stopped"))
        await client.send("append-to-context", {"role": "user", "content": "Hello", "run_immediately": True})
        await stopped
        assert client.data("bot-llm-text") == [{"text": "That makes 4 messages."}]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"role": "user"},
        {"role": 7, "content": "x"},
        {"role": "user", "content": "x", "run_immediately": "yes"},
    ],
)
async def test_what_is_no_context_message_is_refused(data: Any) -> None:
    async with session() as client:
        assert (await client.refused("append-to-context", data)).code == "invalid-message"
        assert await client.call("llm.get_context") == {"messages": [], "tools": []}


@pytest.mark.standalone("a pipeline keeps the context itself: tests/pipecat/test_stock.py")
async def test_a_bot_without_a_context_says_so() -> None:
    async with session(RTVIProcessor()) as client:
        assert (await client.refused("append-to-context", {"role": "user", "content": "x"})).code == "no-responder"


# -- media ------------------------------------------------------------------------------------------------------------

URL = {"type": "url", "url": "https://x.example/a.pdf"}
BYTES = {"type": "bytes", "bytes": "AAAA"}


def file(source: Any, **more: Any) -> dict[str, Any]:
    return {"content": "Look", "file": {"format": "image/png", "source": source}, **more}


GOOD: list[tuple[str, str, Any]] = [
    *((f"key-{key}", "dtmf", {"button": key}) for key in _KEY["enum"]),
    ("keys", "dtmf", {"buttons": ["1", "*", "#"]}),
    ("file-by-url", "send-file", file(URL)),
    ("file-by-bytes", "send-file", file(BYTES | {"width": 2, "height": None}, options={"run_immediately": False})),
    ("file-without-options", "send-file", file(URL, options=None)),
    ("audio", "raw-audio", {"base64Audio": "AAAA", "sampleRate": 16000, "numChannels": 1}),
    ("batch", "raw-audio-batch", {"base64AudioBatch": ["AAAA", None], "sampleRate": 16000, "numChannels": 1}),
    ("batch-as-audio", "raw-audio", {"base64AudioBatch": ["AAAA"], "sampleRate": 16000, "numChannels": 1}),
]
BAD: list[tuple[str, str, Any]] = [
    ("no-keys", "dtmf", None),
    ("empty-keys", "dtmf", {"buttons": []}),
    ("letter", "dtmf", {"buttons": ["A"]}),
    ("two-in-one", "dtmf", {"button": "12"}),
    ("number", "dtmf", {"button": 1}),
    ("file-missing", "send-file", {"content": "Look"}),
    ("file-without-content", "send-file", {"file": file(URL)["file"]}),
    ("file-without-source", "send-file", {"content": "x", "file": {"format": "a/b"}}),
    ("file-of-unknown-kind", "send-file", file({"type": "disk", "url": "x"})),
    ("file-says-url-has-bytes", "send-file", file({"type": "url", "bytes": "AAAA"})),
    ("file-says-bytes-has-url", "send-file", file({"type": "bytes", "url": "x"})),
    ("file-with-bad-options", "send-file", file(URL, options={"run_immediately": 1})),
    ("audio-empty", "raw-audio", {}),
    ("audio-without-rate", "raw-audio", {"base64Audio": "AAAA", "numChannels": 1}),
    ("audio-with-bad-rate", "raw-audio", {"base64Audio": "AAAA", "sampleRate": 0, "numChannels": 1}),
    ("batch-of-numbers", "raw-audio-batch", {"base64AudioBatch": [1], "sampleRate": 1, "numChannels": 1}),
]


@pytest.mark.standalone("a pipeline takes media: tests/pipecat/test_stock.py")
@pytest.mark.parametrize(("type_", "data"), [pytest.param(t, d, id=i) for i, t, d in GOOD])
async def test_media_that_a_host_cannot_take_is_refused_clearly(type_: str, data: Any) -> None:
    async with session() as client:
        refusal = await client.refused(type_, data)
        assert refusal.code == "unsupported-type"
        assert refusal.text == f"This bot does not take {type_.removesuffix('-batch')}"


@pytest.mark.standalone("a pipeline takes media: tests/pipecat/test_stock.py")
@pytest.mark.parametrize(("type_", "data"), [pytest.param(t, d, id=i) for i, t, d in GOOD])
async def test_media_reaches_a_host_that_can_take_it(type_: str, data: Any) -> None:
    async with session() as client:
        taken: list[Any] = []
        client.port.take_media = lambda kind, given: taken.append((kind, given))  # type: ignore[attr-defined]
        id_ = await client.send(type_, data)
        await client.settle()
        assert taken == [(type_.removesuffix("-batch"), data)]
        assert client.answers(id_) == []


@pytest.mark.parametrize(("type_", "data"), [pytest.param(t, d, id=i) for i, t, d in BAD])
async def test_bad_media_is_refused_as_such_by_every_host(type_: str, data: Any) -> None:
    async with session() as client:
        client.port.take_media = lambda *_: pytest.fail("taken")  # type: ignore[attr-defined]
        refusal = await client.refused(type_, data)
        assert refusal.code == "invalid-message"
        assert "AAAA" not in refusal.text


# -- the handshake again, and the end ---------------------------------------------------------------------------------


async def test_every_client_ready_has_its_bot_ready() -> None:
    async with session() as client:
        await client.update_config({"desk": {"sign": "closed"}})
        versions = []
        for version in (None, "1.4.0", "2.1.0"):
            client.version = version
            versions.append((await client.ready())["version"])
        assert versions == ["0.3.0", "1.4.0", "2.2.0"]
        assert client.bot_ready["config"][0] == {"service": "desk", "options": [{"name": "sign", "value": "closed"}]}
        assert len(client.data("bot-ready")) == 4


async def test_a_call_goes_on_when_the_client_says_again_that_it_is_ready() -> None:
    async with session(version="2.1.0") as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        told = await client.waiting_call()
        await client.ready()
        await client.give(told["tool_call_id"], "anything", 1)
        assert await calling == 1


async def test_a_client_may_dismiss_the_bot() -> None:
    async with session() as client:
        calling = asyncio.create_task(client.processor.call_function("anything"))
        await client.waiting_call()
        await client.send("disconnect-bot", {})
        assert str(await raised(calling)) == "The client has gone"
        assert client.port.is_ended
