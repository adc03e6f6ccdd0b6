"""The code of the original documentation, on a real pipeline: placed by hand, and as `rtvi_processor=`."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from pipecat.frames.frames import Frame as PipecatFrame
from pipecat.frames.frames import FunctionCallResultFrame, InterruptionFrame, LLMMessagesAppendFrame
from pipecat.processors.frameworks.rtvi import RTVIServerMessageFrame as PipecatServerMessageFrame

from rtvi_plugins import RTVIServerMessageFrame as OurServerMessageFrame
from rtvi_plugins.pipecat import (
    RTVIAction,
    RTVIActionArgument,
    RTVIConfig,
    RTVIProcessor,
    RTVIServerMessageFrame,
    RTVIService,
    RTVIServiceConfig,
    RTVIServiceOption,
    RTVIServiceOptionConfig,
)
from rtvi_plugins.testing import RequestError
from tests.pipecat.memory import PipelineClient, connect

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.parametrize("by_hand", [True, False], ids=["by-hand", "rtvi_processor"])


async def test_initialisation(by_hand: bool) -> None:
    rtvi = RTVIProcessor(config=RTVIConfig(config=[]))
    async with connect(rtvi, by_hand=by_hand, version=None) as client:
        assert client.bot_ready == {"version": "0.3.0", "config": [], "actions": []}
        assert await client.describe_config() == []
        assert await client.get_config() == {}


async def test_readiness(by_hand: bool) -> None:
    rtvi = RTVIProcessor()
    may_begin = asyncio.Event()

    @rtvi.event_handler("on_client_ready")
    async def on_client_ready(rtvi: RTVIProcessor) -> None:
        await may_begin.wait()
        await rtvi.set_bot_ready()
        # Initialize conversation
        await rtvi.pipeline_worker.queue_frames([LLMMessagesAppendFrame([{"role": "user", "content": "hi"}])])

    async with connect(rtvi, by_hand=by_hand, ready=False) as client:
        ready = asyncio.create_task(client.ready())
        await client.settle()
        assert client.received == []
        assert not rtvi.is_bot_ready
        conversation = asyncio.create_task(client.output.next(LLMMessagesAppendFrame))
        may_begin.set()
        told = await ready
        assert told["version"] == "2.2.0"
        assert (told["config"], told["actions"]) == ([], [])
        await conversation
        assert rtvi.is_bot_ready
        assert client.types() == ["bot-ready"]


async def test_a_service(by_hand: bool, caplog: pytest.LogCaptureFixture) -> None:
    # 1. Define option handler
    async def handle_voice_option(processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:
        voice_id = option.value
        # Apply configuration change
        logger.info(f"Voice ID updated to: {voice_id}")
        told.append((processor, service, option.name))

    told: list[Any] = []
    # 2. Create RTVIService
    voice_service = RTVIService(
        name="voice",
        options=[RTVIServiceOption(name="voice_id", type="string", handler=handle_voice_option)],
    )
    start = RTVIServiceOptionConfig(name="voice_id", value="alba")
    rtvi = RTVIProcessor(config=RTVIConfig(config=[RTVIServiceConfig(service="voice", options=[start])]))
    # 3. Register with processor
    rtvi.register_service(voice_service)
    with caplog.at_level(logging.INFO, __name__):
        async with connect(rtvi, by_hand=by_hand, version=None) as client:
            values = [{"name": "voice_id", "value": "alba"}]
            assert client.bot_ready["config"] == [{"service": "voice", "options": values}]
            assert await client.update_config({"voice": {"voice_id": "bruno"}}) == {"voice": {"voice_id": "bruno"}}
            with pytest.raises(RequestError, match="expected string"):
                await client.update_config({"voice": {"voice_id": 7}})
            assert rtvi.config["voice"]["voice_id"] == "bruno"
    assert [message for message in caplog.messages if "Voice" in message] == [
        "Voice ID updated to: alba",
        "Voice ID updated to: bruno",
    ]
    assert told == [(rtvi.session_processor, "voice", "voice_id")] * 2


async def test_an_action(by_hand: bool) -> None:
    # 1. Define handler function
    async def handle_print_message(processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> bool:
        message = arguments.get("message", "Default message")
        printed.append(message)
        return True

    printed: list[str] = []
    # 2. Create and register RTVIAction
    print_action = RTVIAction(
        service="conversation",
        action="print_message",
        arguments=[RTVIActionArgument(name="message", type="string")],
        result="bool",
        handler=handle_print_message,
    )
    rtvi = RTVIProcessor()
    rtvi.register_action(print_action)
    for version in (None, "1.2.0", "2.1.0"):
        printed.clear()
        again = RTVIProcessor()
        again.register_action(print_action)
        async with connect(again, by_hand=by_hand, version=version) as client:
            assert await client.action("conversation", "print_message", {"message": "hi"}) is True
            assert await client.action("conversation", "print_message") is True
            with pytest.raises(RequestError, match="message: expected string, got integer"):
                await client.action("conversation", "print_message", {"message": 3})
            assert printed == ["hi", "Default message"]


async def test_a_function_call(by_hand: bool) -> None:
    rtvi = RTVIProcessor()
    outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def result_callback(result: Any) -> None:
        outcome.set_result(result)

    async with connect(rtvi, by_hand=by_hand, version=None) as client:
        asked = asyncio.create_task(client.next("llm-function-call"))
        passed = asyncio.create_task(client.output.next(FunctionCallResultFrame))
        await asyncio.sleep(0)
        await rtvi.handle_function_call(
            function_name="get_weather",
            tool_call_id="call_1",
            arguments={"city": "Oslo"},
            llm=None,
            context=None,
            result_callback=result_callback,
        )
        data = (await asked)["data"]
        assert data == {"function_name": "get_weather", "tool_call_id": "call_1", "args": {"city": "Oslo"}}
        answer = {"function_name": "get_weather", "tool_call_id": "call_1", "arguments": {}, "result": {"c": 4}}
        await client.send("llm-function-call-result", answer)
        assert await outcome == {"c": 4}
        frame = await passed
        assert (frame.function_name, frame.tool_call_id, frame.arguments, frame.result) == (
            "get_weather", "call_1", {"city": "Oslo"}, {"c": 4}
        )  # fmt: skip


async def test_errors(by_hand: bool) -> None:
    processor = RTVIProcessor()
    async with connect(processor, by_hand=by_hand) as client:
        error = asyncio.create_task(client.next("error"))
        refused = asyncio.create_task(client.next("error-response"))
        await asyncio.sleep(0)
        # General error
        await processor.send_error("Invalid configuration")
        # Request-specific error
        await processor._send_error_response("42", "Invalid action arguments")
        text = "Invalid configuration"
        assert (await error)["data"] == {"error": text, "message": text, "fatal": False, "category": "internal"}
        told = await refused
        assert (told["id"], told["data"]["error"]) == ("42", "Invalid action arguments")


async def test_a_fatal_error_ends_the_session_after_it_was_told(by_hand: bool) -> None:
    processor = RTVIProcessor()
    async with connect(processor, by_hand=by_hand) as client:
        error = asyncio.create_task(client.next("error"))
        await asyncio.sleep(0)
        await processor.send_error("It is over", fatal=True)
        assert (await error)["data"]["fatal"] is True
        await asyncio.wait_for(until_finished(client), 5)


async def until_finished(client: PipelineClient) -> None:
    while not client.worker.has_finished():
        await asyncio.sleep(0.005)


async def test_interrupting(by_hand: bool) -> None:
    processor = RTVIProcessor()
    async with connect(processor, by_hand=by_hand) as client:
        interrupted = asyncio.create_task(client.next("bot-interrupted"))
        await asyncio.sleep(0)
        await processor.interrupt_bot()
        await interrupted
        await client.settle()
        assert client.types() == ["bot-ready", "bot-interrupted"]
        assert len(client.output.of(InterruptionFrame)) == 1


MESSAGE = {"type": "custom-event", "payload": {"key": "value", "none": None}}
FRAMES = {
    "of-this-package": RTVIServerMessageFrame,
    "pipecats": PipecatServerMessageFrame,
    "ours": OurServerMessageFrame,
}


@pytest.mark.parametrize("frame_class", FRAMES.values(), ids=FRAMES)
async def test_server_messages(by_hand: bool, frame_class: Any) -> None:
    rtvi = RTVIProcessor()
    async with connect(rtvi, by_hand=by_hand) as client:
        # Send a custom message
        frame = frame_class(data=MESSAGE)
        await rtvi.push_frame(frame)
        await client.settle()
        await client.processor.push_frame(frame_class(data=MESSAGE))
        await client.settle()
        assert client.server_messages == [MESSAGE, MESSAGE]


async def test_before_the_pipeline_runs_messages_are_kept(by_hand: bool) -> None:
    rtvi = RTVIProcessor()
    await rtvi.send_error("early")
    await rtvi.push_frame(RTVIServerMessageFrame(data={"n": 1}))
    await rtvi.set_bot_ready()
    async with connect(rtvi, by_hand=by_hand, ready=False) as client:
        await client.settle()
        assert client.types() == ["error", "server-message"]
        await client.ready()
        assert client.bot_ready["version"] == "2.2.0"


async def test_what_the_session_has_not_is_pipecats(by_hand: bool) -> None:
    """Handlers get the session; what only Pipecat's processor has is found there."""
    seen: list[Any] = []

    async def look(processor: Any, service: str, arguments: dict[str, Any]) -> bool:
        seen.append(processor.pipeline_worker)
        task = processor.create_task(asyncio.sleep(0), "look")
        await task
        return isinstance(processor.rtvi, RTVIProcessor)

    rtvi = RTVIProcessor()
    rtvi.register_action(RTVIAction("s", "look", result="bool", handler=look))
    async with connect(rtvi, by_hand=by_hand) as client:
        assert await client.action("s", "look") is True
        assert seen == [client.worker]
        with pytest.raises(AttributeError, match="no_such_thing"):
            _ = client.processor.no_such_thing
        with pytest.raises(AttributeError, match="no_such_thing"):
            _ = rtvi.no_such_thing


def test_frames_are_pipecats(by_hand: bool) -> None:
    del by_hand
    assert issubclass(RTVIServerMessageFrame, PipecatFrame)
