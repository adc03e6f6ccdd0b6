"""`bind:`: a new value of an option reaches the live stage, as Pipecat's own settings frames do.

A change is confirmed when the stage has applied it. Some services store a change and use it only when they connect
again; they say so, and such a change is refused, and undone.
"""

from __future__ import annotations

import logging
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
from pipecat.pipeline.service_switcher import ServiceSwitcher
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregator
from pipecat.services.ai_service import AIService
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pydantic import ValidationError

from rtvi_plugins.errors import ActionError
from rtvi_plugins.pipecat import seams
from rtvi_plugins.pipecat.applying import Applying, delta_of, refusal
from rtvi_plugins.pipecat.parts import setting_fields
from rtvi_plugins.pipecat.slots import Slot, fields_of
from rtvi_plugins.schema import MISSING

if TYPE_CHECKING:
    from pipecat.audio.vad.vad_analyzer import VADAnalyzer
    from pipecat.processors.frame_processor import FrameProcessor

    from rtvi_plugins.pipecat.processor import RTVIProcessor

logger = logging.getLogger(__name__)

WAIT_S: Final = 1.0
"""How long a change waits until its stage has taken it. A stage may pause while it speaks; the change then comes next,
and counts as made: whoever asked for it shall not wait for the end of a speech."""

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


def fields_at(stage: FrameProcessor) -> Mapping[str, Slot]:
    """Return what can be set of a running stage, by name."""
    if isinstance(stage, ServiceSwitcher):
        return {name: slot for one in stage.services for name, slot in fields_at(one).items()}
    if isinstance(stage, LLMUserAggregator):
        analyzer = _analyzers.get(stage)
        return {} if analyzer is None else fields_of(type(analyzer.params)).table
    settings = getattr(stage, "settings", None)
    return {} if settings is None else setting_fields(type(settings))


def takes(stage: FrameProcessor, field: str, value: Any) -> bool:
    """Return whether a value is one that the field of a stage may have."""
    slot = fields_at(stage).get(field)
    return slot is not None and not slot.faults(value)


def ignores(stage: FrameProcessor, field: str) -> bool:
    """Return whether a stage says by its class that it applies no change of a field while it runs."""
    return any(seams.says_it_ignores(type(one), field) for one in _members(stage, field))


def begin_with(stage: FrameProcessor, field: str, value: Any) -> None:
    """Give a value to a stage that does not run yet. Raises ActionError when it does not take it."""
    for one in _members(stage, field):
        if _built_with.get(one, {}).get(field, MISSING) == value:
            continue
        frame = _frame(one, field, value)
        if isinstance(frame, VADParamsUpdateFrame):
            seams.begin_with_params(_analyzers[one], frame.params)
        elif isinstance(one, AIService) and isinstance(frame, ServiceUpdateSettingsFrame):
            seams.begin_with(one, frame.delta)
        else:  # its own way to take a change is its frame, which comes when the bot is ready
            seams.store(one, field, getattr(frame.delta, field))  # type: ignore[attr-defined] # a frame with a delta
            continue
        _built_with.setdefault(one, {})[field] = value


async def apply(rtvi: RTVIProcessor, stage: FrameProcessor | None, field: str, value: Any) -> None:
    """Set a field of a running stage; returns when the stage has taken it, or after `WAIT_S`.

    Raises ActionError when there is no such stage, when it does not take the value, ignores it, or failed to take it.
    Of several services that take turns, all are told, or none.
    """
    if stage is None:
        raise refusal("the pipeline has no such stage")
    members = _members(stage, field) or [stage]
    done: list[tuple[FrameProcessor, Any]] = []
    for one in members:
        before = getattr(getattr(one, "settings", None), field, MISSING)
        try:
            await _apply_to(rtvi, one, field, value)
        except ActionError:
            await _go_back(rtvi, done, field)
            raise
        done.append((one, before))


async def _go_back(rtvi: RTVIProcessor, done: list[tuple[FrameProcessor, Any]], field: str) -> None:
    for one, before in reversed(done):
        if before is not MISSING:
            try:
                await _apply_to(rtvi, one, field, before)
            except ActionError as error:
                logger.error("going back failed: %s: %s", type(one).__name__, error.text)  # noqa: TRY400


def _members(stage: FrameProcessor, field: str) -> list[FrameProcessor]:
    """Return the stages that a change of a field reaches: of services that take turns, all that have it."""
    if not isinstance(stage, ServiceSwitcher):
        return [stage]
    return [found for one in stage.services for found in _members(one, field) if field in fields_at(found)]


async def _apply_to(rtvi: RTVIProcessor, stage: FrameProcessor, field: str, value: Any) -> None:
    if _built_with.get(stage, {}).pop(field, MISSING) == value:
        return
    frame = _frame(stage, field, value)
    # What was asked for and confirmed must not be lost when the user interrupts the bot.
    frame.interruptible = False
    await Applying(rtvi, stage, frame, field).run(WAIT_S)


def _frame(stage: FrameProcessor, field: str, value: Any) -> Frame:
    """Make the frame that changes one field."""
    if isinstance(stage, LLMUserAggregator):
        analyzer = _analyzers.get(stage)
        if analyzer is None:
            raise refusal("the pipeline has no voice activity detector")
        params = analyzer.params
        slot = fields_of(type(params)).table.get(field)
        if slot is None:
            raise refusal(f"the voice activity detector has no '{field}'")
        return VADParamsUpdateFrame(params=params.model_copy(update={field: _converted(slot, value)}))
    fields = fields_at(stage)
    if field not in fields:
        raise refusal(f"the stage has no setting '{field}'")
    settings_class = type(stage.settings)  # type: ignore[attr-defined] # it has fields
    delta = delta_of(settings_class, {field: _converted(fields[field], value)})
    kind = next((frame for base, frame in _FRAMES if isinstance(stage, base)), ServiceUpdateSettingsFrame)
    return kind(delta=delta, service=stage)


def _converted(slot: Any, value: Any) -> Any:
    if not slot.faults(value):
        try:
            return slot.convert(value)
        except ValidationError:
            pass
    raise refusal(f"'{slot.name}' does not take this value")
