"""Pipecat's RTVI processor in the three wirings that are measured, on 0.0.108 (actions) and later (client-message).

Alone:      the `RTVIProcessor` set up by hand between nothing and a sink. A message enters as the frame that a
            transport would push, and its answer leaves through the sink. No pipeline: nobody runs it so, it is the
            processor's own share.
Minimal:    the processor and the sink in a `Pipeline` run by its task, with everything off that can be: no observer, no
            turn tracking, no idle detection.
As shipped: what a bot is told to write: the processor that the task adds by itself, all observers that are on by
            default, and a `FastAPIWebsocketTransport` with the protobuf serializer, whose WebSocket ends in memory:
            ASGI events go in and come out, no socket is measured. Only the idle time-out is told not to end the bot.

JSON text goes in and comes out in all of them. Here they log from WARNING upwards; as it comes, Pipecat writes every
message to stderr at DEBUG, which costs about an eighth more, and `pipecat_processor` sets that back.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import talking

# Releases before 1.12 look for a tokenizer's data when they are imported, and fetch it from the network when there is
# none. No sentence is cut here: an empty folder of the right name keeps them from asking.
_NLTK = Path(tempfile.gettempdir()) / f"benchmark-nltk-{os.getuid() if hasattr(os, 'getuid') else 0}"
(_NLTK / "tokenizers" / "punkt_tab").mkdir(parents=True, exist_ok=True)
os.environ["NLTK_DATA"] = str(_NLTK)

import google.protobuf.message  # noqa: E402, F401 - fails here, with a clear name, when the extra is missing
from loguru import logger  # noqa: E402

logger.remove()
logger.add(sys.stderr, level="WARNING")

from pipecat.clocks.system_clock import SystemClock  # noqa: E402
from pipecat.frames.frames import (  # noqa: E402
    Frame,
    InputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
)
from pipecat.frames.protobufs import frames_pb2  # noqa: E402
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup  # noqa: E402
from pipecat.processors.frameworks.rtvi import RTVIProcessor  # noqa: E402
from pipecat.serializers.protobuf import ProtobufFrameSerializer  # noqa: E402
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport  # noqa: E402
from pipecat.utils.asyncio.task_manager import TaskManager  # noqa: E402
from starlette.websockets import WebSocket  # noqa: E402

IS_ORIGINAL = version("pipecat-ai").startswith("0.")
"""Whether this release still has actions; later ones have `client-message` alone, and workers instead of tasks."""

if IS_ORIGINAL:
    from pipecat.pipeline.runner import PipelineRunner
    from pipecat.pipeline.task import PipelineTask
    from pipecat.processors.frameworks.rtvi import RTVIAction, RTVIActionArgument
    from pipecat.utils.asyncio.task_manager import TaskManagerParams
else:
    from pipecat.pipeline.worker import PipelineWorker
    from pipecat.workers.runner import WorkerRunner

HANDLERS: dict[str, Callable[..., Awaitable[Any]]] = {
    "search": talking.search,
    "pause": talking.pause,
    "linger": talking.linger,
}
READY = talking.message("client-ready", "ready", {"version": "1.0.0", "about": {"library": "benchmark"}})


def request(id_: str, name: str = "search") -> str:
    """Give what this release is asked: an action, or a client-message."""
    return talking.action(id_, name) if IS_ORIGINAL else talking.client_message(id_, name)


def offer(rtvi: RTVIProcessor) -> None:
    """Let the processor answer, the way its release wants it written."""
    if IS_ORIGINAL:
        for name, handler in HANDLERS.items():
            rtvi.register_action(_action(name, handler))
        return

    @rtvi.event_handler("on_client_message")
    async def on_client_message(processor: RTVIProcessor, message: Any) -> None:
        handler = HANDLERS[message.type.removeprefix("knowledge.")]
        await processor.send_server_response(message, await handler(**message.data))


def _action(name: str, handler: Callable[..., Awaitable[Any]]) -> Any:
    async def handle(_processor: RTVIProcessor, _service: str, arguments: dict[str, Any]) -> Any:
        return await handler(**arguments)

    declared = [RTVIActionArgument(name="query", type="string"), RTVIActionArgument(name="limit", type="number")]
    return RTVIAction(service="knowledge", action=name, arguments=declared, result="array", handler=handle)


class Answers:
    """Collects what comes out, and tells when it is all there. Only answers to requests count."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.wanted = 0
        self.done: asyncio.Future[None] | None = None

    def expect(self, number: int) -> asyncio.Future[None]:
        """Begin anew. Gives what is done when `number` texts are there."""
        self.texts, self.wanted = [], number
        self.done = asyncio.get_running_loop().create_future()
        return self.done

    def take(self, text: str) -> None:
        """Take one."""
        self.texts.append(text)
        if len(self.texts) == self.wanted and self.done is not None:
            self.done.set_result(None)


class _Sink(FrameProcessor):
    """The end: writes messages as JSON text, and lets everything pass."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers = answers

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take answers."""
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputTransportMessageUrgentFrame):
            self._answers.take(json.dumps(frame.message))
        await self.push_frame(frame, direction)


class Alone:
    """One session of the processor alone."""

    def __init__(self) -> None:
        self.answers = Answers()
        self._rtvi: RTVIProcessor | None = None

    async def open(self) -> None:
        """Set the processors up, unless that was done."""
        if self._rtvi is not None:
            return
        self._rtvi = rtvi = RTVIProcessor()
        offer(rtvi)
        sink = _Sink(self.answers)
        rtvi.link(sink)
        if IS_ORIGINAL:
            tasks = TaskManager()
            tasks.setup(TaskManagerParams(loop=asyncio.get_running_loop()))
            setup = FrameProcessorSetup(clock=SystemClock(), task_manager=tasks)
        else:
            # The field is there for processors that ask their worker for something; nothing does so here.
            worker: Any = None
            setup = FrameProcessorSetup(clock=SystemClock(), task_manager=TaskManager(), pipeline_worker=worker)
        for processor in (rtvi, sink):
            await processor.setup(setup)
        await rtvi.queue_frame(StartFrame())

    async def send(self, text: str) -> None:
        """Hand a message over as a transport does: decoded, as a frame in the processor's queue."""
        assert self._rtvi is not None
        await self._rtvi.queue_frame(InputTransportMessageFrame(message=json.loads(text)))


class Minimal:
    """One session in the minimal wiring."""

    def __init__(self) -> None:
        self.answers = Answers()
        self._task: Any = None
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the pipeline, unless that was done."""
        if self._task is not None:
            return
        rtvi = RTVIProcessor()
        offer(rtvi)
        self._task = (PipelineTask if IS_ORIGINAL else PipelineWorker)(
            Pipeline([rtvi, _Sink(self.answers)]),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
            cancel_on_idle_timeout=False,
        )
        started = asyncio.get_running_loop().create_future()

        @self._task.event_handler("on_pipeline_started")
        async def on_pipeline_started(*_about: object) -> None:
            started.set_result(None)

        self._running = asyncio.create_task(run_task(self._task))
        await started

    async def send(self, text: str) -> None:
        """Hand a message over at the pipeline's beginning."""
        await self._task.queue_frame(InputTransportMessageFrame(message=json.loads(text)))


def make_task(websocket: WebSocket, *between: FrameProcessor, rtvi: RTVIProcessor | None = None) -> Any:
    """Make the task, or worker, of one session as shipped.

    between: processors between transport and transport.
    rtvi:    a processor that knows its answers, instead of the stock one.
    """
    params = FastAPIWebsocketParams(serializer=ProtobufFrameSerializer())
    transport = FastAPIWebsocketTransport(websocket=websocket, params=params)
    pipeline = Pipeline([transport.input(), *between, transport.output()])
    given = {} if rtvi is None else {"rtvi_processor": rtvi}
    task = (PipelineTask if IS_ORIGINAL else PipelineWorker)(pipeline, cancel_on_idle_timeout=False, **given)
    if rtvi is None:
        offer(task.rtvi)

    @task.rtvi.event_handler("on_client_ready")
    async def on_client_ready(rtvi: RTVIProcessor) -> None:
        await rtvi.set_bot_ready()

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(*_about: object) -> None:
        await task.cancel()

    return task


async def run_task(task: Any) -> None:
    """Run a session until it ends."""
    if IS_ORIGINAL:
        await PipelineRunner(handle_sigint=False).run(task)
    else:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(task)
        await runner.run()


def framed(text: str) -> bytes:
    """Give the binary message that carries a text."""
    return frames_pb2.Frame(message=frames_pb2.MessageFrame(data=text)).SerializeToString()  # type: ignore[no-any-return]


class AsShipped:
    """One session as shipped, with its WebSocket in memory. `rtvi`: as for `make_task`."""

    def __init__(self, *between: FrameProcessor, rtvi: Callable[[], RTVIProcessor] | None = None) -> None:
        self.answers = Answers()
        self._rtvi = rtvi
        self.task: Any = None
        self._between = between
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the session and do the handshake, unless that was done."""
        if self._running is not None:
            return
        websocket = WebSocket({"type": "websocket", "path": "/ws", "headers": []}, self._incoming.get, self._sent)
        self._incoming.put_nowait({"type": "websocket.connect"})
        await websocket.accept()
        self.task = make_task(websocket, *self._between, rtvi=self._rtvi() if self._rtvi else None)
        self._running = asyncio.create_task(run_task(self.task))
        ready = self.answers.expect(1)
        await self.send(READY)
        await ready
        if json.loads(self.answers.texts[0])["type"] != "bot-ready":
            raise ValueError(self.answers.texts[0])

    async def _sent(self, event: Any) -> None:
        if event["type"] == "websocket.send":
            self.answers.take(frames_pb2.Frame.FromString(event["bytes"]).message.data)

    async def send(self, text: str) -> None:
        """Hand a message over as a server does."""
        self._incoming.put_nowait({"type": "websocket.receive", "bytes": framed(text)})


def cases(session: Alone | Minimal | AsShipped, name: str) -> dict[str, talking.Case]:
    """Give what is measured of one session: one action at a time, a hundred at once, a hundred pauses at once."""

    def exchanging(portion: int, action: str) -> talking.Case:
        def case(number: int) -> talking.Work:
            texts = [request(str(n), action) for n in range(number)]

            async def work() -> Iterable[tuple[object, object]]:
                await session.open()
                answers: list[str] = []
                for start in range(0, number, portion):
                    part = texts[start : start + portion]
                    done = session.answers.expect(len(part))
                    for text in part:
                        await session.send(text)
                    await done
                    answers += session.answers.texts
                return map(talking.answer_of, answers)

            return work

        return case

    return {
        f"{name}-one": exchanging(1, "search"),
        f"{name}-at-once": exchanging(100, "search"),
        f"{name}-pauses": exchanging(100, "pause"),
    }
