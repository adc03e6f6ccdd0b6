"""What code written for Pipecat 0.0.x does with processors, services and actions, on both hosts."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from rtvi_plugins import RTVIAction, RTVIActionArgument, RTVIProcessor, RTVIService, RTVIServiceOption, compat
from rtvi_plugins.testing import RequestError
from tests.hosts import make, settle
from tests.processor.conftest import session


async def echo(_rtvi: Any, _service: str, args: dict[str, Any]) -> Any:
    return args


async def came(client: Any, type_: str) -> dict[str, Any]:
    """Return the first message of a type, which may have come already."""
    while not (found := [message for message in client.received if message["type"] == type_]):
        await client.next(type_)
    return dict(found[0])


def say(**keywords: Any) -> RTVIAction:
    return RTVIAction(service="tts", action="say", handler=echo, **keywords)


async def test_declarations_from_mappings() -> None:
    told: list[Any] = []

    async def set_voice(_rtvi: Any, service: str, option: Any) -> None:
        told.append((service, option.name, option.value))

    rtvi = make()
    rtvi.register_service(RTVIService(name="tts", options=[{"name": "voice", "type": "string", "handler": set_voice}]))
    rtvi.register_action(say(arguments=[{"name": "text", "type": "string"}], result="object"))
    async with session(rtvi, version=None) as client:
        assert await client.action("tts", "say", {"text": "hi"}) == {"text": "hi"}
        with pytest.raises(RequestError, match="text: expected string, got integer"):
            await client.action("tts", "say", {"text": 3})
        await client.update_config({"tts": {"voice": "alba"}})
    assert told == [("tts", "voice", "alba")]


def test_what_is_no_declaration_is_refused() -> None:
    with pytest.raises(TypeError, match="expected RTVIActionArgument or a mapping of its keywords, got str"):
        say(arguments=["text"])
    with pytest.raises(TypeError, match="expected RTVIServiceOption or a mapping of its keywords, got int"):
        RTVIService(name="tts", options=[3])  # type: ignore[list-item]


def test_unknown_keywords_are_logged_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    say(name="say", descripton="Says it.")
    RTVIService(name="tts", optoins=[])
    RTVIServiceOption(name="voice", type="string", handler=None, labl="Voice")
    RTVIActionArgument(name="text", type="string", requird=True)
    RTVIProcessor(transport=object())
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "action tts.say: keyword 'name' means nothing and is ignored",
        "action tts.say: keyword 'descripton' means nothing and is ignored; did you mean 'description'?",
        "service 'tts': keyword 'optoins' means nothing and is ignored; did you mean 'options'?",
        "option 'voice': keyword 'labl' means nothing and is ignored",
        "argument 'text': keyword 'requird' means nothing and is ignored; did you mean 'required'?",
        "RTVIProcessor: keyword 'transport' means nothing and is ignored",
    ]


def test_declarations_show_themselves_as_models_did() -> None:
    service = RTVIService(name="tts", options=[RTVIServiceOption(name="rate", type="number", handler=echo)])
    assert [option.name for option in service.options] == ["rate"]
    assert service.options[0].type == "number"
    assert service.model_dump(exclude_none=True) == {"name": "tts", "options": [{"name": "rate", "type": "number"}]}
    action = say(arguments=[RTVIActionArgument(name="text", type="string")], result="bool")
    described = {
        "service": "tts",
        "action": "say",
        "arguments": [{"name": "text", "type": "string"}],
        "result": "bool",
    }
    assert action.model_dump() == described
    assert json.loads(action.model_dump_json()) == described
    available = compat.RTVIDescribeActions(id="1", data={"actions": [action.model_dump()]})
    assert available.model_dump()["data"] == {"actions": [described]}


async def test_an_action_without_arguments_takes_what_comes() -> None:
    async def typed(_processor: Any) -> str:
        return "typed"

    rtvi = make()
    rtvi.register_action(say())
    rtvi.register_action(RTVIAction("tts", "one", [RTVIActionArgument("text")], handler=echo))
    rtvi.register_action(RTVIAction("tts", "typed", handler=typed))
    async with session(rtvi, version=None) as client:
        assert await client.action("tts", "say", {"conversation_id": "7", "x": [1]}) == {
            "conversation_id": "7",
            "x": [1],
        }
        assert await client.action("tts", "say", {}) == {}
        with pytest.raises(RequestError, match="conversation_id: not a known argument"):
            await client.action("tts", "one", {"conversation_id": "7"})
        with pytest.raises(RequestError, match="conversation_id: not a known argument"):
            await client.action("tts", "typed", {"conversation_id": "7"})
        by_name = {action["action"]: action["schema"] for action in await client.describe_actions()}
        assert [by_name[name]["additionalProperties"] for name in ("say", "one", "typed")] == [True, False, False]


async def test_an_action_frame_runs_its_action() -> None:
    ran: list[Any] = []

    async def handler(_rtvi: Any, _service: str, args: dict[str, Any]) -> Any:
        ran.append(args)
        return args

    rtvi = make()
    rtvi.register_action(RTVIAction("tts", "say", handler=handler))
    run = compat.RTVIActionRun(service="tts", action="say", arguments=[{"name": "text", "value": "hi"}])
    async with session(rtvi, version=None) as client:
        await rtvi.push_frame(compat.RTVIActionFrame(run))
        await rtvi.push_frame(compat.RTVIActionFrame(run, message_id="hook"))
        answer = await came(client, "action-response")
        assert (answer["id"], answer["data"]) == ("hook", {"result": {"text": "hi"}})
        assert ran == [{"text": "hi"}] * 2


async def test_an_action_frame_that_fails_is_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    rtvi = make()
    run = compat.RTVIActionRun(service="tts", action="sing")
    async with session(rtvi, version=None) as client:
        await rtvi.push_frame(compat.RTVIActionFrame(run))
        await rtvi.push_frame(compat.RTVIActionFrame(run, message_id="hook"))
        refusal = await came(client, "error-response")
        assert refusal["id"] == "hook"
        assert [m for m in client.received if m["type"] == "action-response"] == []
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "action tts.sing: " in record.getMessage()


async def test_errors_can_be_switched_off() -> None:
    rtvi = make()
    async with session(rtvi, version=None) as client:
        rtvi.set_errors_enabled(False)
        await rtvi.send_error("unseen")
        await client.send({"label": "rtvi-ai", "type": "action"})
        with pytest.raises(RequestError, match="not registered"):
            await client.action("tts", "say", {})
        rtvi.set_errors_enabled(True)
        await rtvi.send_error("seen")
        await settle(client)
        assert [m["data"]["error"] for m in client.received if m["type"] == "error"] == ["seen"]


@pytest.mark.parametrize(
    ("version", "type_"), [(None, "llm-function-call-start"), ("2.1.0", "llm-function-call-started")]
)
async def test_the_start_of_a_function_call(version: str | None, type_: str) -> None:
    rtvi = make()
    async with session(rtvi, version=version) as client:
        await rtvi.handle_function_call_start("get_weather", llm=None, context=None)
        assert (await came(client, type_))["data"] == {"function_name": "get_weather"}


async def test_a_message_as_a_model() -> None:
    rtvi = make()
    rtvi.register_action(say())
    async with session(rtvi, version=None) as client:
        run = compat.RTVIActionRun(service="tts", action="say")
        message = compat.RTVIMessage(type="action", id="m", data=run.model_dump())
        handling = asyncio.create_task(rtvi.handle_message(message))
        answer = await came(client, "action-response")
        await handling
        assert (answer["id"], answer["data"]) == ("m", {"result": {}})


async def test_client_messages_are_what_handlers_expect() -> None:
    rtvi = make()
    seen: list[Any] = []

    @rtvi.event_handler("on_client_message")
    async def on_client_message(rtvi: Any, message: Any) -> None:
        seen.append((isinstance(message, compat.RTVIClientMessage), message.type, message.data))
        await rtvi.send_server_response(message, {"ok": True})

    async with session(rtvi) as client:
        assert await client.ask("custom", {"n": 1}) == {"ok": True}
    assert seen == [(True, "custom", {"n": 1})]
