"""What plugin code must not be able to do to others."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from rtvi_plugins import (
    RTVIAction,
    RTVIActionArgument,
    RTVIClientMessageFrame,
    RTVIProcessor,
    RTVIService,
    RTVIServiceOption,
)
from rtvi_plugins.testing import RequestError
from tests.hosts import connect, make


def action(name: str, handler: Any, **settings: Any) -> RTVIAction:
    return RTVIAction(service="s", action=name, handler=handler, **settings)


async def test_a_handler_cancels_the_task_of_an_earlier_one() -> None:
    """The first answered at once, so its task is the one that reads."""
    tasks: list[asyncio.Task[Any]] = []

    async def play(processor: Any, service: Any, arguments: Any) -> None:
        tasks.append(asyncio.current_task())  # type: ignore[arg-type]

    async def stop(processor: Any, service: Any, arguments: Any) -> None:
        tasks.pop().cancel()

    processor = make()
    processor.register_action(action("play", play))
    processor.register_action(action("stop", stop))
    async with connect(processor) as client:
        for _ in range(3):
            await client.call("s.play")
            await asyncio.gather(client.call("s.stop"), return_exceptions=True)
        assert await client.call("s.play") is None


async def test_a_handler_cancels_one_that_is_held_up() -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def play(processor: Any, service: Any, arguments: Any) -> None:
        tasks.append(asyncio.current_task())  # type: ignore[arg-type]
        await asyncio.Event().wait()

    async def stop(processor: Any, service: Any, arguments: Any) -> bool:
        return tasks.pop().cancel()

    processor = make()
    processor.register_action(action("play", play))
    processor.register_action(action("stop", stop))
    async with connect(processor) as client:
        playing = asyncio.ensure_future(client.call("s.play"))
        while not tasks:
            await asyncio.sleep(0)
        assert await client.call("s.stop") is True
        with pytest.raises(RequestError) as refusal:
            await playing
        assert refusal.value.code == "cancelled"


@pytest.mark.parametrize("event", ["on_client_message", "on_ui_message"])
async def test_sys_exit_in_an_event_handler_ends_nothing(event: str) -> None:
    processor = make()

    @processor.event_handler(event)
    async def leave(*_: Any) -> None:
        sys.exit(3)

    async with connect(processor) as client:
        await client.send("client-message", {"t": "x"})
        await client.send("ui-event", {"event": "x"})
        assert await client.describe_actions() == []


async def test_a_session_that_was_ended_before_it_began_does_not_begin() -> None:
    processor = make()
    processor.finish("ended")

    async def receive() -> Any:
        await asyncio.Event().wait()

    assert await processor.run(receive) == "ended"


async def test_default_values_belong_to_nobody() -> None:
    class Bot(RTVIProcessor):
        pass

    async def take(processor: Any, service: str, option: Any) -> None:
        option.value.append(99)

    Bot.tables = Bot.tables.with_service(RTVIService("s", [RTVIServiceOption("list", "array", take, default=[1])]))
    for _ in range(2):
        processor = make(Bot)
        async with connect(processor) as client:
            processor.config["s"]["list"].append("mine")
            assert await client.get_config() == {"s": {"list": [1]}}


async def test_a_failed_first_value_gives_way_to_the_bots_own() -> None:
    taken: list[Any] = []

    async def take(processor: Any, service: str, option: Any) -> None:
        taken.append(option.value)
        if option.value == "boom":
            raise ValueError("boom")

    class Bot(RTVIProcessor):
        pass

    Bot.tables = Bot.tables.with_service(RTVIService("s", [RTVIServiceOption("o", "string", take, default="own")]))
    from rtvi_plugins import RTVIConfig, RTVIServiceConfig, RTVIServiceOptionConfig  # noqa: PLC0415 - only here

    config = RTVIConfig(
        config=[RTVIServiceConfig(service="s", options=[RTVIServiceOptionConfig(name="o", value="boom")])]
    )
    async with connect(make(Bot, config)) as client:
        assert await client.get_config() == {"s": {"o": "own"}}
    assert taken == ["boom", "own"]


async def test_a_secret_is_not_told_by_its_handlers_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def take(processor: Any, service: str, option: Any) -> None:
        raise ValueError(f"bad {option.value}")

    processor = make()
    processor.register_service(RTVIService("s", [RTVIServiceOption("key", "string", take, secret=True)]))
    async with connect(processor) as client:
        with pytest.raises(RequestError, match="key failed"):
            await client.update_config({"s": {"key": "hunter2"}})
        assert "hunter2" not in str(client.received)
    assert "hunter2" not in caplog.text


async def test_a_handler_of_the_original_form_under_other_names() -> None:
    async def handle(rtvi: Any, svc: str, args: dict[str, Any]) -> Any:
        return [svc, args]

    processor = make()
    processor.register_action(action("a", handle, arguments=[RTVIActionArgument(name="q", type="string")]))
    async with connect(processor) as client:
        assert await client.call("s.a", q="x") == ["s", {"q": "x"}]


async def test_an_unknown_service_without_options_is_refused() -> None:
    async with connect(make()) as client:
        with pytest.raises(RequestError, match="nosuch: unknown service"):
            await client.update_config({"nosuch": {}})


async def test_answers_go_to_the_message_they_were_given_for() -> None:
    processor = make()
    frames: list[RTVIClientMessageFrame] = []

    @processor.event_handler("on_client_message")
    async def keep(_: Any, frame: RTVIClientMessageFrame) -> None:
        frames.append(frame)

    async with connect(processor) as client:
        for t in ("first", "second"):
            await client.send("client-message", {"t": t}, "same")
        while len(frames) < 2:
            await asyncio.sleep(0)
        for frame in (frames[1], frames[1], frames[0]):
            await processor.send_server_response(frame, frame.type)
        told = [m["data"] for m in client.received if m["type"] == "server-response"]
        assert told == [{"t": "second", "d": "second"}, {"t": "first", "d": "first"}]


async def test_a_repeat_gets_the_answer_as_it_was() -> None:
    kept: list[int] = [1]

    async def listing(processor: Any, service: Any, arguments: Any) -> list[int]:
        return kept

    processor = make()
    processor.register_action(action("list", listing))
    async with connect(processor, version=None) as client:
        data = {"service": "s", "action": "list", "idempotency_key": "k"}
        assert await client.request("action", data) == {"result": [1]}
        kept.append(99)
        assert await client.request("action", data) == {"result": [1]}


async def test_a_function_may_be_called_before_the_bot_is_ready() -> None:
    processor = make()
    results: list[Any] = []

    @processor.event_handler("on_client_ready")
    async def greet(rtvi: RTVIProcessor) -> None:
        await rtvi.handle_function_call("where", "call_1", {}, result_callback=results.append)
        while not results:
            await asyncio.sleep(0)
        await rtvi.set_bot_ready()

    async with connect(processor, ready=False) as client:
        ready = asyncio.ensure_future(client.ready())
        await client.next("llm-function-call-in-progress")
        await client.send("llm-function-call-result", {"tool_call_id": "call_1", "result": "here"})
        await ready
    assert results == ["here"]
