"""Errors of stages: none about the way to the client goes that way, every other is told once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
    UserStartedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from rtvi_plugins.pipecat import RTVIProcessor
from rtvi_plugins.pipecat.stage_errors import MAX_TOLD
from tests.pipecat.memory import Stage, connect

KICK = {"label": "x", "type": "kick"}
numbers = itertools.count()

Sending = Callable[[FrameProcessor], Awaitable[None]]


async def push_error(transport: FrameProcessor) -> None:
    await transport.push_error("Unable to send message: signaling gone")


async def push_numbered(transport: FrameProcessor) -> None:
    await transport.push_error(f"Unable to send message {next(numbers)}")


async def push_permanent(transport: FrameProcessor) -> None:
    await transport.push_error("Unable to send message", force_treat_as_permanent=True)


async def raise_from_serializer(_: FrameProcessor) -> None:
    raise ValueError("the serializer cannot write this")


async def push_for_another(transport: FrameProcessor) -> None:
    await transport.push_frame(ErrorFrame("nobody's"), FrameDirection.UPSTREAM)


class Dead(BaseOutputTransport):
    """An output transport whose client cannot be reached."""

    def __init__(self, fail: Sending) -> None:
        super().__init__(TransportParams())
        self.sent: list[Any] = []
        self._fail = fail

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def send_message(self, frame: Any) -> None:
        self.sent.append(frame.message)
        await self._fail(self)


class DeadOwn(FrameProcessor):
    """The same made without Pipecat's base, or a stage on the way that cannot let messages through."""

    def __init__(self, fail: Sending) -> None:
        super().__init__()
        self.sent: list[Any] = []
        self._fail = fail

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputTransportMessageUrgentFrame):
            self.sent.append(frame.message)
            await self._fail(self)
        else:
            await self.push_frame(frame, direction)


@asynccontextmanager
async def running(rtvi: RTVIProcessor, *stages: FrameProcessor) -> AsyncIterator[PipelineWorker]:
    worker = PipelineWorker(Pipeline(list(stages)), rtvi_processor=rtvi, idle_timeout_secs=None)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_started(*_: Any) -> None:
        started.set()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    task = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(started.wait(), 10)
        yield worker
    finally:
        await worker.cancel()
        await task


async def settle(worker: PipelineWorker) -> None:
    for _ in range(8):  # each round would let a storm send once more, at least
        assert await worker.flush_pipeline()
        for _ in range(50):
            await asyncio.sleep(0)


WAYS = {
    "an error": push_error,
    "numbered errors": push_numbered,
    "a permanent error": push_permanent,
    "a serializer that raises": raise_from_serializer,
}


@pytest.mark.parametrize("fail", WAYS.values(), ids=WAYS)
async def test_an_error_about_the_way_to_the_client_is_not_sent_that_way(fail: Sending) -> None:
    transport = Dead(fail)
    async with running(RTVIProcessor(), transport) as worker:
        for _ in range(3):
            await worker.queue_frame(OutputTransportMessageUrgentFrame(message=KICK))
        await settle(worker)
        assert transport.sent == [KICK] * 3


@pytest.mark.parametrize("is_named", [True, False], ids=["attached", "unknown"])
@pytest.mark.parametrize("fail", [*WAYS.values(), push_for_another], ids=[*WAYS, "an error of nobody"])
async def test_what_cannot_be_known_to_be_the_way_ends_too(fail: Sending, is_named: bool) -> None:
    transport, rtvi = DeadOwn(fail), RTVIProcessor()
    if is_named:
        rtvi.attach_stages({"transport.output": transport})
    async with running(rtvi, transport) as worker:
        await worker.queue_frame(OutputTransportMessageUrgentFrame(message=KICK))
        await settle(worker)
        errors = [message for message in transport.sent if message != KICK]
        most = MAX_TOLD if fail is push_numbered else 1
        assert len(errors) <= (0 if is_named and fail is not push_for_another else most)


async def test_a_fatal_error_of_the_transport_ends_the_pipeline_and_is_not_sent() -> None:
    async def fail(stage: FrameProcessor) -> None:
        error = ErrorFrame("gone", processor=stage)
        error.fatal = True  # as an argument it is deprecated
        await stage.push_frame(error, FrameDirection.UPSTREAM)

    transport = Dead(fail)
    async with running(RTVIProcessor(), transport) as worker:
        await worker.queue_frame(OutputTransportMessageUrgentFrame(message=KICK))
        async with asyncio.timeout(120):
            while not worker.has_finished():
                await asyncio.sleep(0.005)
    assert transport.sent == [KICK]


async def pass_on(stage: Stage, frame: Frame) -> None:
    del stage, frame


async def test_every_other_error_is_told_once() -> None:
    ears, voice = Stage(pass_on), Stage(pass_on)
    rtvi = RTVIProcessor()
    rtvi.attach_stages({"stt": ears, "tts": voice})
    async with connect(rtvi, stages=[ears, voice]) as client:
        for _ in range(5):
            await ears.push_error("no connection")
            await voice.push_error("no connection")
        await ears.push_error("no permission")
        await client.settle()
        told = [message["data"]["error"] for message in client.of("error")]
        assert sorted(told) == ["The stt stage failed"] * 2 + ["The tts stage failed"]


@pytest.mark.parametrize(
    "doing",
    [
        UserStartedSpeakingFrame(),
        InputTransportMessageFrame(message={"label": "rtvi-ai", "type": "get-config", "id": "1"}),
    ],
    ids=["speaking", "a message"],
)
async def test_when_the_user_does_something_what_still_fails_is_told_again(doing: Frame) -> None:
    ears = Stage(pass_on)
    rtvi = RTVIProcessor()
    rtvi.attach_stages({"stt": ears})
    async with connect(rtvi, stages=[ears]) as client:
        for _ in range(3):
            await ears.push_error("no connection")
            await client.settle()
            await ears.push_error("no connection")
            await client.settle()
            await client.worker.queue_frame(doing)
            await client.settle()
        assert len(client.of("error")) == 3


async def test_errors_that_differ_each_time_are_bounded() -> None:
    ears = Stage(pass_on)
    async with connect(RTVIProcessor(), stages=[ears]) as client:
        for number in range(3 * MAX_TOLD):
            await ears.push_error(f"chunk {number} lost")
        await client.settle()
        assert len(client.of("error")) == MAX_TOLD
