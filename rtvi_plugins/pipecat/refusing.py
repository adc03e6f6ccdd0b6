"""Telling a client that there is no session for it: a fatal `error`, over a pipeline that does nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from pipecat.frames.frames import (
    EndWorkerFrame,
    Frame,
    InputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_transport import BaseTransport

from rtvi_plugins.errors import Category
from rtvi_plugins.protocol.messages import ServerType, event

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.processor import RTVIProcessor

logger = logging.getLogger(__name__)

FAILED: Final = "The bot could not be started"
PATIENCE_S: Final = 10.0
"""How long a client may take to say something; one that says nothing is told all the same."""


def refusal(text: str) -> dict[str, Any]:
    """Give the message that says why there is no session."""
    data = {"error": text, "message": text, "fatal": True, "category": str(Category.INTERNAL)}
    return event(ServerType.ERROR, data)


class Refusal(FrameProcessor):
    """Sends the error as soon as the client can hear it, and ends the pipeline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._message = refusal(text)
        self._is_told = False
        self._waiting: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Tell the client when its first message comes; some transports are not ready before that."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._waiting = self.create_task(self._wait(), "wait")
        elif isinstance(frame, InputTransportMessageFrame):
            await self._tell()

    async def _wait(self) -> None:
        await asyncio.sleep(PATIENCE_S)
        await self._tell()

    async def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            await self.push_frame(OutputTransportMessageUrgentFrame(message=self._message))
            await self.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)

    async def cleanup(self) -> None:
        """Stop waiting."""
        if self._waiting is not None:
            await self.cancel_task(self._waiting)
        await super().cleanup()  # type: ignore[no-untyped-call]


def make_refusal(transport: BaseTransport, text: str) -> PipelineWorker:
    """Make the worker that tells the client of a transport why it has no session, and ends."""
    pipeline = Pipeline([transport.input(), Refusal(text), transport.output()])
    worker = PipelineWorker(pipeline, enable_rtvi=False, enable_turn_tracking=False, idle_timeout_secs=None)

    async def on_client_disconnected(*_: Any) -> None:
        await worker.cancel(reason="the client has left")

    transport.add_event_handler("on_client_disconnected", on_client_disconnected)
    return worker


async def refuse_session(rtvi: RTVIProcessor, get: Callable[[], Awaitable[Any]], missing: list[str]) -> None:
    """End a session whose options would change nothing, once its client can hear of it.

    get:     waits for a message of the client.
    missing: the options whose stages are not attached.
    """
    session = rtvi.session_processor
    text = "session %s: no start: %s, and no such stage is attached; call attach_stages before the pipeline runs"
    logger.error(text, session.session.id, ", ".join(missing))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(get(), PATIENCE_S)
    session.tell_error(FAILED, fatal=True)
    await rtvi.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)
