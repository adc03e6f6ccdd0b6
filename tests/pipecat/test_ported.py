"""What code written for Pipecat 0.0.x does with a pipeline. `tests/processor/test_ported.py` has what needs none."""

from __future__ import annotations

import asyncio
from typing import Any

from pipecat.frames.frames import TTSSpeakFrame
from pydantic import BaseModel

from rtvi_plugins.pipecat import (
    RTVIAction,
    RTVIActionFrame,
    RTVIActionRun,
    RTVIClientMessage,
    RTVIObserver,
    RTVIObserverParams,
    RTVIProcessor,
    RTVIServerMessage,
)
from tests.pipecat.memory import connect


async def test_an_action_frame_that_is_queued() -> None:
    ran = asyncio.Event()

    async def hook(_rtvi: Any, _service: str, _args: dict[str, Any]) -> bool:
        ran.set()
        return True

    for by_hand in (True, False):
        ran.clear()
        rtvi = RTVIProcessor()
        rtvi.register_action(RTVIAction(service="web", action="hook", result="bool", handler=hook))
        async with connect(rtvi, by_hand=by_hand, version=None) as client:
            run = RTVIActionRun(service="web", action="hook")
            await client.worker.queue_frame(RTVIActionFrame(rtvi_action_run=run, message_id="7"))
            await asyncio.wait_for(ran.wait(), 10)
            await client.settle()
            (answer,) = client.answers("7")
            assert (answer["type"], answer["data"]) == ("action-response", {"result": True})
            assert client.output.of(RTVIActionFrame) == []  # it went no further


async def test_messages_as_models() -> None:
    rtvi = RTVIProcessor()
    seen: list[Any] = []

    @rtvi.event_handler("on_client_message")
    async def on_client_message(rtvi: RTVIProcessor, message: RTVIClientMessage) -> None:
        seen.append(message)
        await rtvi.send_server_response(message, "heard")

    async with connect(rtvi) as client:
        assert await client.ask("custom", [1]) == "heard"
        (message,) = seen
        assert isinstance(message, RTVIClientMessage)
        assert (message.type, message.data) == ("custom", [1])
        await rtvi.push_transport_message(RTVIServerMessage(data={"kind": "hello"}))
        await client.settle()
        assert [told["data"] for told in client.of("server-message")] == [{"kind": "hello"}]


async def test_an_observer_without_a_processor() -> None:
    told: list[BaseModel] = []

    class Observer(RTVIObserver):
        async def send_rtvi_message(self, model: BaseModel, exclude_none: bool = True) -> None:
            told.append(model)

    observer = Observer(params=RTVIObserverParams())
    rtvi = RTVIProcessor()
    async with connect(rtvi, by_hand=True, observers=[observer, rtvi.observer()]) as client:
        await client.worker.queue_frame(TTSSpeakFrame("hi"))
        await rtvi.send_server_message({"n": 1})
        await client.settle()
    assert all(isinstance(model, BaseModel) for model in told)
    assert client.server_messages == [{"n": 1}]
