"""Errors of a pipeline's stages: what the client is told of them, and how often.

An error about the way to the client is never sent that way: sending it would fail as well, and be an error again. Of
every other the client is told once until it, or its user, does something: a failed message makes one error, however
often a stage repeats it, or fails at the message that tells of it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pipecat.transports.base_output import BaseOutputTransport

from rtvi_plugins.errors import Category
from rtvi_plugins.llm.failures import without_keys
from rtvi_plugins.pipecat.order import OUTPUT
from rtvi_plugins.processor.requests import Code

if TYPE_CHECKING:
    from pipecat.frames.frames import ErrorFrame
    from pipecat.processors.frame_processor import FrameProcessor

    from rtvi_plugins.pipecat.session import PipelineSession

logger = logging.getLogger(__name__)

MAX_TOLD: Final = 16
"""Different errors of which a client is told before it does something; some stages number theirs."""
_KEPT_CHARACTERS: Final = 500


class StageErrors:
    """The errors of one session's stages since its client last did something."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, str, bool]] = set()

    def renew(self) -> None:
        """Take note that the client, or its user, does something: what fails now is told anew."""
        self._seen.clear()

    def tell(self, session: PipelineSession, stages: Mapping[str, FrameProcessor], frame: ErrorFrame) -> None:
        """Tell the client that a stage failed: which one, not what its provider or library said of it."""
        failed = frame.processor
        key = (id(failed), str(frame.error)[:_KEPT_CHARACTERS], frame.fatal)
        if key in self._seen or (len(self._seen) >= MAX_TOLD and not frame.fatal):
            logger.debug("session %s: again: %s", session.session.id, without_keys(str(frame.error)))
            return
        self._seen.add(key)
        logger.error("session %s: %s", session.session.id, without_keys(str(frame.error)))
        if failed is not None and (isinstance(failed, BaseOutputTransport) or failed is stages.get(OUTPUT)):
            return
        from rtvi_plugins.pipecat.llm_answers import told_of  # noqa: PLC0415 - it needs some of Pipecat's services

        refusal = told_of(frame)
        if refusal is not None:
            session.tell_error(refusal.text, fatal=frame.fatal, category=Category.ACTION, code=refusal.code)
            return
        stage = next((id_ for id_, stage in stages.items() if stage is failed), None)
        text = f"The {stage} stage failed" if stage else "A stage of the bot failed"
        session.tell_error(text, fatal=frame.fatal, category=Category.INTERNAL, code=Code.STAGE_FAILED)
