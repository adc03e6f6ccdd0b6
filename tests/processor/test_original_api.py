"""The imperative API: services, actions, readiness, errors, frames; without a manifest and without a host."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import (
    Frame,
    FrameDirection,
    RTVIAction,
    RTVIActionArgument,
    RTVIClientMessageFrame,
    RTVIConfig,
    RTVIProcessor,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    RTVIService,
    RTVIServiceOption,
)
from rtvi_plugins.testing import RequestError
from tests.hosts import make, settle
from tests.processor.conftest import Told, action, config, service, session


async def test_an_empty_processor() -> None:
    rtvi = make(config=RTVIConfig(config=[]))
    async with session(rtvi, version=None) as client:
        assert client.bot_ready == {"version": "0.3.0", "config": [], "actions": []}
        assert await client.describe_config() == []
        assert await client.describe_actions() == []
        assert await client.get_config() == {}


async def test_bot_is_ready_when_the_handler_says_so() -> None:
    rtvi = make()
    may_begin = asyncio.Event()

    @rtvi.event_handler("on_client_ready")
    async def on_client_ready(processor: RTVIProcessor) -> None:
        assert processor is rtvi
        assert not processor.is_bot_ready
        await may_begin.wait()
        await processor.set_bot_ready()

    async with session(rtvi, ready=False) as client:
        ready = asyncio.create_task(client.ready())
        await asyncio.sleep(0.01)
        assert client.received == []
        may_begin.set()
        assert (await ready)["version"] == "2.2.0"
        assert rtvi.is_bot_ready


async def test_services_and_options() -> None:
    told = Told()
    rtvi = make(config=config({"voice": {"voice_id": "alba"}}))
    option = RTVIServiceOption(name="voice_id", type="string", handler=told.option)
    rtvi.register_service(RTVIService(name="voice", options=[option]))
    async with session(rtvi, version=None) as client:
        assert client.bot_ready["config"] == [{"service": "voice", "options": [{"name": "voice_id", "value": "alba"}]}]
        (described,) = await client.describe_config()
        assert described["name"] == "voice"
        assert [(o["name"], o["type"]) for o in described["options"]] == [("voice_id", "string")]
        assert await client.update_config({"voice": {"voice_id": "bruno"}}) == {"voice": {"voice_id": "bruno"}}
        assert rtvi.config["voice"]["voice_id"] == "bruno"
    assert told == [("voice", "voice_id", "alba"), ("voice", "voice_id", "bruno")]


OPTION_TYPES: dict[str, tuple[list[Any], list[Any]]] = {
    "number": ([0, -1.5, 10**12], ["3", True, None, [1]]),
    "string": (["", "text", "ünï"], [3, True, None, ["a"]]),
    "bool": ([True, False], [1, 0, "true", None]),
    "array": ([[], [1, "a", None]], [{}, "a", 3, None]),
    "object": ([{}, {"a": {"b": 1}}], [[], "a", 3, None]),
}


@pytest.mark.parametrize(("type_", "good", "bad"), [(t, g, b) for t, (g, b) in OPTION_TYPES.items()], ids=OPTION_TYPES)
async def test_option_types(type_: str, good: list[Any], bad: list[Any]) -> None:
    told = Told()
    rtvi = make()
    rtvi.register_service(service("s", told.option, o=type_))
    async with session(rtvi) as client:
        for value in good:
            assert await client.update_config({"s": {"o": value}}) == {"s": {"o": value}}
        for value in bad:
            with pytest.raises(RequestError, match=r"Invalid configuration: s\.o: expected "):
                await client.update_config({"s": {"o": value}})
    assert [value for _, _, value in told] == good


async def test_actions_and_arguments() -> None:
    seen: list[Any] = []

    async def search(processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> list[str]:
        seen.append((processor is rtvi, service, arguments))
        return ["one", "two"][: arguments.get("limit", 2)]

    rtvi = make()
    rtvi.register_action(
        RTVIAction(
            service="library",
            action="search",
            arguments=[
                RTVIActionArgument(name="query", type="string"),
                RTVIActionArgument(name="limit", type="number"),
            ],
            result="array",
            handler=search,
        )
    )
    async with session(rtvi, version=None) as client:
        (described,) = await client.describe_actions()
        assert (described["service"], described["action"], described["result"]) == ("library", "search", "array")
        assert [(a["name"], a["type"]) for a in described["arguments"]] == [("query", "string"), ("limit", "number")]
        assert client.bot_ready["actions"] == [described]
        assert await client.action("library", "search", {"query": "spa", "limit": 1}) == ["one"]
        # As it always was, what is registered by hand may be left out: the handler copes.
        assert await client.action("library", "search") == ["one", "two"]
        with pytest.raises(RequestError, match="query: expected string, got integer"):
            await client.action("library", "search", {"query": 3})
        with pytest.raises(RequestError, match="querry: not a known argument; did you mean 'query'"):
            await client.action("library", "search", {"querry": "spa"})
    assert seen == [(True, "library", {"query": "spa", "limit": 1}), (True, "library", {})]


async def test_registering_while_the_session_runs() -> None:
    rtvi = make()
    async with session(rtvi) as client:
        rtvi.register_service(service("late", None, o={"type": "number", "default": 5}))

        async def shout(processor: RTVIProcessor, *, text: str) -> str:
            return text.upper()

        rtvi.register_action(action("late.shout", shout, [RTVIActionArgument("text", required=True)]))
        assert await client.get_config() == {"late": {"o": 5}}
        assert await client.call("late.shout", text="hi") == "HI"
        with pytest.raises(RequestError, match="text: missing"):
            await client.call("late.shout")
        await client.update_config({"late": {"o": 6}})
        rtvi.register_service(service("later", None, o={"type": "number", "default": 1}))
        assert await client.get_config() == {"late": {"o": 6}, "later": {"o": 1}}


def test_wrong_use_is_told_at_once() -> None:
    rtvi = make()
    with pytest.raises(ValueError, match="did you mean 'on_client_ready'"):
        rtvi.event_handler("on_client_raedy")(print)
    with pytest.raises(ValueError, match="needs a handler"):
        RTVIAction("s", "a")
    with pytest.raises(ValueError, match="two options of one name"):
        RTVIService("s", [RTVIServiceOption("o"), RTVIServiceOption("o")])
    with pytest.raises(ValueError, match="strng"):
        RTVIServiceOption("o", "strng")


async def test_errors() -> None:
    rtvi = make()
    heard: list[str] = []

    @rtvi.event_handler("on_error")
    def on_error(processor: RTVIProcessor, error: str) -> None:
        heard.append(error)

    async with session(rtvi) as client:
        await rtvi.send_error("Invalid configuration")
        error = client.received[-1]
        assert (error["type"], "id" in error) == ("error", False)
        assert error["data"] == {
            "error": "Invalid configuration",
            "message": "Invalid configuration",
            "fatal": False,
            "category": "internal",
        }
        await rtvi._send_error_response("42", "Invalid action arguments")
        refused = client.received[-1]
        assert (refused["type"], refused["id"]) == ("error-response", "42")
        assert refused["data"]["error"] == "Invalid action arguments"
        assert not client.port.is_ended
        await rtvi.send_error("It is over", fatal=True)
        assert client.received[-1]["data"]["fatal"] is True
        assert client.port.is_ended
    assert heard == ["Invalid configuration", "It is over"]


async def test_before_a_host_is_there_messages_are_kept() -> None:
    rtvi = make()
    await rtvi.send_error("early")
    await rtvi.push_frame(RTVIServerMessageFrame(data={"n": 1}))
    await rtvi.interrupt_bot()
    await rtvi.set_bot_ready()
    async with session(rtvi, ready=False) as client:
        assert client.types() == ["error", "server-message"]
        await client.ready()
        assert client.bot_ready["version"] == "2.2.0"


async def test_what_is_kept_for_a_host_is_bounded() -> None:
    rtvi = make()
    for number in range(1000):
        await rtvi.send_server_message(number)
    async with session(rtvi, ready=False) as client:
        assert client.server_messages == list(range(744, 1000))


async def test_server_messages_carry_any_json() -> None:
    rtvi = make()
    async with session(rtvi) as client:
        values = [{"type": "custom-event", "payload": {"key": "value"}}, [1, None], "text", 3, False, None]
        for value in values:
            await rtvi.push_frame(RTVIServerMessageFrame(data=value))
        assert client.server_messages == values
        with pytest.raises(TypeError):
            await rtvi.push_frame(RTVIServerMessageFrame(data={"when": object()}))
        assert len(client.server_messages) == len(values)


@pytest.mark.standalone("a pipeline takes Pipecat's frames alone: tests/pipecat/test_frames.py")
async def test_other_frames_go_to_the_hosts_pipeline() -> None:
    rtvi = make()
    async with session(rtvi) as client:
        frame = Frame()
        await rtvi.push_frame(frame)
        await rtvi.push_frame(frame, FrameDirection.UPSTREAM)
        assert client.port.frames == [frame, frame]
        assert client.types() == ["bot-ready"]


async def test_interrupting() -> None:
    rtvi = make()
    async with session(rtvi) as client:
        await rtvi.interrupt_bot()
        await settle(client)
        assert client.port.interruptions == 1
        assert client.types() == ["bot-ready", "bot-interrupted"]
    other = make()
    async with session(other, version="1.2.0") as client:
        await other.interrupt_bot()
        await settle(client)
        assert (client.port.interruptions, client.types()) == (1, ["bot-ready"])


async def test_response_frames() -> None:
    rtvi = make()

    @rtvi.event_handler("on_client_message")
    async def answer(processor: RTVIProcessor, message: RTVIClientMessageFrame) -> None:
        if message.type == "good":
            await processor.push_frame(RTVIServerResponseFrame(client_msg=message, data={"got": message.data}))
        else:
            await processor.push_frame(RTVIServerResponseFrame(client_msg=message, error="no"))

    async with session(rtvi) as client:
        assert await client.ask("good", [1]) == {"got": [1]}
        with pytest.raises(RequestError, match=r"^no$"):
            await client.ask("bad")
