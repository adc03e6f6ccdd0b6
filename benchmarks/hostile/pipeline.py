"""A real pipeline whose transport ends in memory, with the reader and writer that this project gives transports."""

from __future__ import annotations

import asyncio
from typing import Any

from pipecat.frames.frames import Frame, InputTransportMessageFrame, OutputTransportMessageUrgentFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from rtvi_plugins import Bot
from rtvi_plugins.pipecat import processor_for
from rtvi_plugins.pipecat.serializing import Serializer


class _Through(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class _End(FrameProcessor):
    def __init__(self, ends: Ends) -> None:
        super().__init__()
        self._ends = ends

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputTransportMessageUrgentFrame):
            written = await self._ends.serializer.serialize(frame)
            self._ends.take(written.encode() if isinstance(written, str) else written or b"")
        await self.push_frame(frame, direction)


class Ends:
    """Both ends of the pipeline of one session. `said`: what the transport would have written."""

    def __init__(self, bot: Bot) -> None:
        rtvi = processor_for(bot)()
        self.processor: Any = rtvi.session_processor
        self.serializer = Serializer(bot.manifest.runtime.limits)
        self.serializer.session = self.processor
        self.said: list[bytes] = []
        self.marked = asyncio.Event()
        self._source = _Through()
        self._worker = PipelineWorker(Pipeline([self._source, _End(self)]), rtvi_processor=rtvi, idle_timeout_secs=None)

    async def open(self) -> None:
        """Start it."""
        started = asyncio.Event()

        @self._worker.event_handler("on_pipeline_started")  # type: ignore[untyped-decorator]
        async def on_started(*_: Any) -> None:
            started.set()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        self._running = asyncio.create_task(runner.run())
        await started.wait()

    async def close(self) -> None:
        """End it."""
        await self._worker.cancel()
        await self._running

    async def give(self, data: str | bytes) -> None:
        """Hand over what came from a socket, as Pipecat's transports do."""
        frame = await self.serializer.deserialize(data)
        if isinstance(frame, InputTransportMessageFrame):
            await self._source.broadcast_frame(InputTransportMessageFrame, message=frame.message)

    def take(self, text: bytes) -> None:
        """Keep what was written."""
        self.said.append(text)
        if b'"id":"mark"' in text[:200]:
            self.marked.set()
