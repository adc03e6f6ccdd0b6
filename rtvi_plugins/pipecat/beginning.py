"""The beginning of a session's pipeline: one that never begins, because a stage failed at its start, is ended soon.

Pipecat waits for it much longer than a client does. Nothing can be sent through a pipeline that has not begun. Where
nobody will say `client-ready`, the bot is ready once its pipeline is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pipecat.pipeline.worker import PipelineWorker

    from rtvi_plugins.processor.core import RTVIProcessor

logger = logging.getLogger(__name__)

GRACE_S: Final = 5.0
"""How long a pipeline may still take to begin after one of its stages has failed: most begin all the same."""


def watch_beginning(worker: PipelineWorker, tell: Callable[[], Awaitable[None]]) -> None:
    """Cancel a worker whose pipeline does not begin after a stage has failed. `tell`: awaited before, once."""
    settled = asyncio.Event()  # it has begun, or ended, or somebody waits already

    async def on_settled(*_: Any) -> None:
        settled.set()

    async def on_pipeline_error(*_: Any) -> None:
        if settled.is_set():
            return
        try:
            await asyncio.wait_for(settled.wait(), GRACE_S)
        except TimeoutError:
            settled.set()
            logger.error("no session: the pipeline does not begin, since a stage failed at its start")  # noqa: TRY400
            await tell()
            await worker.cancel(reason="the pipeline does not begin")

    worker.add_event_handler("on_pipeline_started", on_settled)
    worker.add_event_handler("on_pipeline_finished", on_settled)
    worker.add_event_handler("on_pipeline_error", on_pipeline_error)


def be_ready_when_begun(worker: PipelineWorker, processor: RTVIProcessor) -> None:
    """Have a bot whose client never says `client-ready` begin with its pipeline: its options are applied then."""

    async def on_pipeline_started(*_: Any) -> None:
        await processor.set_bot_ready()

    worker.add_event_handler("on_pipeline_started", on_pipeline_started)
