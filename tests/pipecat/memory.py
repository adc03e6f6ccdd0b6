"""A transport in memory: a real `PipelineWorker` and pipeline, whose client is in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pipecat.frames.frames import Frame, InputTransportMessageFrame, OutputTransportMessageUrgentFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from rtvi_plugins import Bot, Caller, Session
from rtvi_plugins.pipecat import RTVIProcessor, processor_for
from rtvi_plugins.pipecat.session import PipelineSession
from rtvi_plugins.protocol import wire
from rtvi_plugins.testing.client import Client

F = TypeVar("F", bound=Frame)


class Input(FrameProcessor):
    """Where the client's messages enter: broadcast both ways, as Pipecat's transports do."""

    def __init__(self, *, is_direct: bool = False) -> None:
        super().__init__(enable_direct_mode=is_direct)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)

    async def receive(self, message: Any) -> None:
        await self.broadcast_frame(InputTransportMessageFrame, message=message)


class Output(FrameProcessor):
    """Where messages leave: as text, and to the client what it would read of it.

    frames: what else came this far.
    """

    def __init__(self, client: Client, *, is_direct: bool = False) -> None:
        super().__init__(enable_direct_mode=is_direct)
        self.client = client
        self.frames: list[Frame] = []
        self._waiting: list[tuple[type[Frame], asyncio.Future[Any]]] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputTransportMessageUrgentFrame):
            self.client.receive(wire.decode(wire.encode(frame.message), 500, 1_000_000_000))
        elif direction is FrameDirection.DOWNSTREAM:
            self._note(frame)
        await self.push_frame(frame, direction)

    def _note(self, frame: Frame) -> None:
        self.frames.append(frame)
        for kind, future in self._waiting:
            if isinstance(frame, kind) and not future.done():
                future.set_result(frame)

    def of(self, kind: type[F]) -> list[F]:
        """List the frames of a kind that came so far."""
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def next(self, kind: type[F]) -> F:
        """Wait for the next frame of a kind."""
        future: asyncio.Future[F] = asyncio.get_running_loop().create_future()
        self._waiting.append((kind, future))
        return await asyncio.wait_for(future, 120)


class Stage(FrameProcessor):
    """A stage of a test's own: `on_frame(stage, frame)` sees what comes downstream; every frame goes on."""

    def __init__(self, on_frame: Callable[[Stage, Frame], Any]) -> None:
        super().__init__()
        self._on_frame = on_frame

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            await self._on_frame(self, frame)
        await self.push_frame(frame, direction)


class PipelineClient(Client):
    """The client of a session in a pipeline, with what is at the other end."""

    rtvi: RTVIProcessor
    processor: PipelineSession
    output: Output
    worker: PipelineWorker

    def answers(self, id_: str) -> list[dict[str, Any]]:
        """Give every message that carries an id."""
        return [message for message in self.received if message.get("id") == id_]

    def of(self, type_: str) -> list[dict[str, Any]]:
        """Give every message of a type."""
        return [message for message in self.received if message["type"] == type_]

    async def settle(self) -> None:
        """Wait until the pipeline has nothing left to do for what was sent so far, or pushed."""
        for _ in range(2):  # what the first round makes the observer say travels in the second
            assert await self.worker.flush_pipeline()
            for _ in range(20):
                await asyncio.sleep(0)


@asynccontextmanager
async def connect(
    bot: Bot | RTVIProcessor,
    *,
    version: str | None = "2.1.0",
    ready: bool = True,
    timeout: float = 10.0,  # noqa: ASYNC109 - the time of each request, not of this call
    caller: str = "",
    stages: Sequence[FrameProcessor] = (),
    by_hand: bool = False,
    is_direct: bool = False,
    **worker: Any,
) -> AsyncIterator[PipelineClient]:
    """Run a pipeline of the given stages, open a session, and give a client of it.

    by_hand:   place the processor after the transport's input, as the original documentation does.
    is_direct: let frames through the transport without queueing, so that what is sent is there at once.
    """
    rtvi = bot if isinstance(bot, RTVIProcessor) else processor_for(bot)(session=Session("memory", Caller(caller)))
    source = Input(is_direct=is_direct)
    client = PipelineClient(source.receive, version=version, timeout=timeout)
    output = Output(client, is_direct=is_direct)
    placed = [rtvi] if by_hand else []
    pipeline = Pipeline([source, *placed, *stages, output])
    given = {} if by_hand else {"rtvi_processor": rtvi}
    task = PipelineWorker(pipeline, idle_timeout_secs=None, **given, **worker)
    client.rtvi, client.processor, client.output, client.worker = rtvi, rtvi.session_processor, output, task
    runner = WorkerRunner(handle_sigint=False)
    started = asyncio.Event()

    @task.event_handler("on_pipeline_started")
    async def on_started(*_: Any) -> None:
        started.set()

    await runner.add_workers(task)
    running = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(started.wait(), 10)
        if ready:
            await client.ready()
        yield client
    finally:
        await task.cancel()
        await running
        client.close()
