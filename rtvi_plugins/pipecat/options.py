"""`bind:`: a new value of an option reaches the live stage, as Pipecat's own settings frames do.

Which setting a running service really takes is the service's affair: some accept a change and use it only when they
connect again, which Pipecat logs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from pipecat.frames.frames import (
    Frame,
    LLMUpdateSettingsFrame,
    ServiceUpdateSettingsFrame,
    STTUpdateSettingsFrame,
    TTSUpdateSettingsFrame,
    VADParamsUpdateFrame,
)
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregator
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import ServiceSettings
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pydantic import ValidationError

from rtvi_plugins.errors import ActionError
from rtvi_plugins.pipecat.parts import setting_fields
from rtvi_plugins.pipecat.slots import fields_of
from rtvi_plugins.processor.requests import Code
from rtvi_plugins.schema import MISSING

if TYPE_CHECKING:
    from pipecat.audio.vad.vad_analyzer import VADAnalyzer
    from pipecat.frames.frames import ErrorFrame
    from pipecat.processors.frame_processor import FrameProcessor

    from rtvi_plugins.pipecat.processor import RTVIProcessor

WAIT_S: Final = 1.0
"""How long a change waits until its stage has taken it. A stage may pause while it speaks; the change then comes next,
and counts as made: whoever asked for it shall not wait for the end of a speech."""

_NOT_GIVEN: Final[Any] = ServiceSettings().model
"""Pipecat's mark of a field that a change leaves alone; its module differs between releases."""
_FRAMES: Final = (
    (TTSService, TTSUpdateSettingsFrame),
    (STTService, STTUpdateSettingsFrame),
    (LLMService, LLMUpdateSettingsFrame),
)
_built_with: WeakKeyDictionary[FrameProcessor, dict[str, Any]] = WeakKeyDictionary()
_analyzers: WeakKeyDictionary[FrameProcessor, VADAnalyzer] = WeakKeyDictionary()


def note_built(stage: FrameProcessor, values: Mapping[str, Any], analyzer: VADAnalyzer | None = None) -> None:
    """Remember what a stage was built with, so that the initial configuration need not tell it again.

    analyzer: the voice activity detector in it, whose parameters are what can be set.
    """
    _built_with[stage] = dict(values)
    if analyzer is not None:
        _analyzers[stage] = analyzer


async def apply(rtvi: RTVIProcessor, stage: FrameProcessor | None, field: str, value: Any) -> None:  # noqa: ARG001
    """Set a field of a running stage; returns when the stage has taken it, or after `WAIT_S`.

    Raises ActionError when there is no such stage, when it does not take the value, or when it failed to.
    """
    if stage is None:
        raise _refusal("the pipeline has no such stage")
    if _built_with.get(stage, {}).pop(field, MISSING) == value:
        return
    frame = _frame(stage, field, value)
    # What was asked for and confirmed must not be lost when the user interrupts the bot.
    frame.interruptible = False
    await _Applying(stage, frame).run()
    settings = getattr(stage, "settings", None)
    if type(frame) is ServiceUpdateSettingsFrame and getattr(settings, field, None) != getattr(frame.delta, field):
        raise _refusal(f"the stage did not take '{field}'")


def _frame(stage: FrameProcessor, field: str, value: Any) -> Frame:
    """Make the frame that changes one field."""
    if isinstance(stage, LLMUserAggregator):
        analyzer = _analyzers.get(stage)
        if analyzer is None:
            raise _refusal("the pipeline has no voice activity detector")
        params = analyzer.params
        slot = fields_of(type(params)).table.get(field)
        if slot is None:
            raise _refusal(f"the voice activity detector has no '{field}'")
        return VADParamsUpdateFrame(params=params.model_copy(update={field: _converted(slot, value)}))
    settings_class = type(getattr(stage, "settings", None))
    fields = {} if settings_class is type(None) else setting_fields(settings_class)
    if field not in fields:
        raise _refusal(f"the stage has no setting '{field}'")
    delta = _delta(settings_class, {field: _converted(fields[field], value)})
    kind = next((frame for base, frame in _FRAMES if isinstance(stage, base)), ServiceUpdateSettingsFrame)
    return kind(delta=delta, service=stage)


def _delta(settings_class: type, changed: Mapping[str, Any]) -> Any:
    """Make settings that change these fields and no other, also of a class whose fields have defaults of their own."""
    return settings_class(**{**dict.fromkeys(setting_fields(settings_class), _NOT_GIVEN), **changed})


def _converted(slot: Any, value: Any) -> Any:
    if not slot.faults(value):
        try:
            return slot.convert(value)
        except ValidationError:
            pass
    raise _refusal(f"'{slot.name}' does not take this value")


def _refusal(text: str) -> ActionError:
    return ActionError(text, code=Code.OPTION_FAILED)


class _Applying:
    """One frame on its way through the queue of one stage."""

    def __init__(self, stage: FrameProcessor, frame: Frame) -> None:
        self._stage = stage
        self._frame = frame
        self._is_processing = False
        self._outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Queue the frame behind what the stage has before it, and wait for what comes of it. Raises ActionError."""
        handlers = {"on_before_process_frame": self._before, "on_error": self._error}
        for event, handler in handlers.items():
            self._stage.add_event_handler(event, handler)
        try:
            await self._stage.queue_frame(self._frame, FrameDirection.DOWNSTREAM, self._after)
            await asyncio.wait((self._outcome,), timeout=WAIT_S)
            if self._outcome.done():
                self._outcome.result()
        except asyncio.CancelledError:
            if isinstance(self._frame, ServiceUpdateSettingsFrame) and self._frame.delta is not None:
                self._frame.delta = _delta(type(self._frame.delta), {})  # given up: whoever asked was told so
            raise
        finally:
            for event, handler in handlers.items():
                self._stage.remove_event_handler(event, handler)

    async def _before(self, _stage: FrameProcessor, frame: Frame) -> None:
        # Frames of one queue are processed one by one; the first one after ours comes when ours is done.
        self._is_processing = frame is self._frame

    async def _after(self, _stage: FrameProcessor, _frame: Frame, _direction: FrameDirection) -> None:
        self._is_processing = False
        if not self._outcome.done():
            self._outcome.set_result(None)

    async def _error(self, _stage: FrameProcessor, error: ErrorFrame) -> None:
        if self._is_processing and not self._outcome.done():
            self._outcome.set_exception(_refusal("the stage failed to take the value"))
            del error  # its text is in the log, and may hold what clients must not see
