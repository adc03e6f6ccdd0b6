"""One change of a setting on its way through the queue of a stage, and what the stage made of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from pipecat.frames.frames import Frame, ServiceUpdateSettingsFrame, SystemFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.ai_service import AIService
from pipecat.services.settings import ServiceSettings

from rtvi_plugins.errors import ActionError, Category
from rtvi_plugins.pipecat import seams
from rtvi_plugins.pipecat.parts import setting_fields
from rtvi_plugins.processor.requests import Code
from rtvi_plugins.schema import MISSING

if TYPE_CHECKING:
    from pipecat.processors.frame_processor import FrameProcessor

    from rtvi_plugins.pipecat.processor import RTVIProcessor

logger = logging.getLogger(__name__)

_BEFORE: Final = "on_before_process_frame"

DOUBTFUL_WAIT_S: Final = 60.0
"""How long it waits for a stage that may ignore it, which is known only when the stage has come to it; `option_timeout`
is mostly shorter."""
_NOT_GIVEN: Final[Any] = ServiceSettings().model
"""Pipecat's mark of a field that a change leaves alone; its module differs between releases."""


def delta_of(settings_class: type, changed: Mapping[str, Any]) -> Any:
    """Return settings that change these fields and no other, whatever defaults the fields of the class have."""
    return settings_class(**{**dict.fromkeys(setting_fields(settings_class), _NOT_GIVEN), **changed})


def refusal(text: str) -> ActionError:
    """Return what says to a client that an option was not set."""
    return ActionError(text, code=Code.OPTION_FAILED)


class Applying:
    """One frame on its way through the queue of one stage."""

    def __init__(self, rtvi: RTVIProcessor, stage: FrameProcessor, frame: Frame, field: str) -> None:
        self._rtvi = rtvi
        self._stage = stage
        self._frame = frame
        self._field = field
        self._before_value: Any = MISSING
        self._watching: ExitStack | None = None  # while the stage is at our frame
        self._unhandled: set[str] = set()
        self._outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, wait_s: float) -> None:
        """Queue the frame behind what the stage has before it, and wait for what comes of it. Raises ActionError.

        wait_s: after this time the change counts as made, unless it is doubtful whether the stage will apply it.
        """
        self._stage.add_event_handler(_BEFORE, self._before)
        is_doubtful = seams.may_ignore(type(self._stage))
        is_pending = False
        try:
            await self._stage.queue_frame(self._frame, FrameDirection.DOWNSTREAM, self._after)
            await asyncio.wait((self._outcome,), timeout=DOUBTFUL_WAIT_S if is_doubtful else wait_s)
            if self._outcome.done():
                self._outcome.result()
            elif is_doubtful:
                self._give_up()
                raise refusal("the stage did not come to it")
            else:
                is_pending = True
                self._outcome.add_done_callback(self._late)
        except asyncio.CancelledError:
            self._give_up()
            raise
        finally:
            if not is_pending:
                self._leave()

    def _give_up(self) -> None:
        """Let the frame change nothing when the stage comes to it: whoever asked was told so."""
        self._outcome.cancel()
        if isinstance(self._frame, ServiceUpdateSettingsFrame) and self._frame.delta is not None:
            self._frame.delta = delta_of(type(self._frame.delta), {})

    def _leave(self) -> None:
        self._unwatch()
        self._stage.remove_event_handler(_BEFORE, self._before)

    def _late(self, outcome: asyncio.Future[None]) -> None:
        """Tell the client when a change that counted as made was not."""
        self._leave()
        error = None if outcome.cancelled() else outcome.exception()
        if isinstance(error, ActionError):
            logger.error("a change of '%s' that was confirmed has failed: %s", self._field, error.text)
            self._rtvi.session_processor.tell_error(error.text, category=Category.CONFIGURATION, code=error.code)

    def _unwatch(self) -> None:
        if self._watching is not None:
            watching, self._watching = self._watching, None
            watching.close()

    async def _before(self, _stage: FrameProcessor, frame: Frame) -> None:
        # Frames of one queue are processed one by one: the first one after ours comes when ours is done. Those of the
        # system have a queue of their own, and may come meanwhile.
        if isinstance(frame, SystemFrame):
            return
        self._unwatch()
        if frame is self._frame:
            self._before_value = getattr(getattr(self._stage, "settings", None), self._field, MISSING)
            self._watching = ExitStack()
            self._unhandled = self._watching.enter_context(seams.unhandled_settings(self._stage))
            self._watching.enter_context(seams.pushed_errors(self._stage, self._fail))

    async def _after(self, _stage: FrameProcessor, _frame: Frame, _direction: FrameDirection) -> None:
        self._unwatch()
        if self._outcome.done():
            return
        refused = self._refused()
        if refused:
            self._outcome.set_exception(refusal(refused))
        else:
            self._outcome.set_result(None)

    def _refused(self) -> str:
        """Say why the stage has not applied the change; empty when it has. What it has only stored is undone."""
        settings = getattr(self._stage, "settings", None)
        if settings is None or not isinstance(self._frame, ServiceUpdateSettingsFrame):
            return ""
        if self._field in self._unhandled:
            self._undo()
            return f"the stage applies no change of '{self._field}' while it runs"
        now, wanted = getattr(settings, self._field, None), getattr(self._frame.delta, self._field)
        if now != wanted and (now == self._before_value or not isinstance(self._stage, AIService)):
            return f"the stage did not take '{self._field}'"
        return ""

    def _undo(self) -> None:
        """Take back what the stage has stored and does not use."""
        if self._before_value is not MISSING:
            seams.store(self._stage, self._field, self._before_value)

    def _fail(self) -> None:
        """Note that the stage has pushed an error: its text is in the log, and may hold what clients must not see."""
        if not self._outcome.done():
            self._undo()
            self._outcome.set_exception(refusal("the stage failed to take the value"))
