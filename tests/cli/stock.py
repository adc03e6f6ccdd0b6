"""A bot as Pipecat's own documentation has it, on Pipecat's own runner: it knows nothing of this project."""

from __future__ import annotations

from typing import Any

from pipecat.frames.frames import (
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams
from pipecat.workers.runner import WorkerRunner


class Parrot(FrameProcessor):
    async def process_frame(self, frame: Any, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMMessagesAppendFrame):
            for said in (LLMFullResponseStartFrame(), LLMTextFrame("Hello!"), LLMFullResponseEndFrame()):
                await self.push_frame(said)
        await self.push_frame(frame, direction)


async def bot(runner_args: RunnerArguments) -> None:
    params = {"websocket": lambda: FastAPIWebsocketParams(serializer=ProtobufFrameSerializer())}
    transport = await create_transport(runner_args, params)
    worker = PipelineWorker(Pipeline([transport.input(), Parrot(), transport.output()]), idle_timeout_secs=None)

    @worker.rtvi.event_handler("on_client_message")
    async def on_client_message(rtvi: Any, message: Any) -> None:
        await rtvi.send_server_response(message, {"heard": message.data})

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
