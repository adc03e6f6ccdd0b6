"""Whether anything in a pipeline may answer what the user writes, or a message that is declared nowhere.

What Pipecat and this package make is known; a stage of somebody else may answer unless it is made from a kind of
Pipecat's that does not.
"""

from __future__ import annotations

from typing import Final

from pipecat.pipeline.base_pipeline import BasePipeline
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.processors.frameworks.rtvi import RTVIProcessor
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport

from rtvi_plugins.pipecat.responding import ResponderStage

_SILENT_KINDS: Final = (BaseInputTransport, BaseOutputTransport, RTVIProcessor, STTService, TTSService)
_SILENT_PACKAGES: Final = (
    "pipecat.pipeline.",
    "pipecat.processors.aggregators.",
    "pipecat.processors.audio.",
    "pipecat.processors.filters.",
    "pipecat.transports.",
    "pipecat.turns.",
    "rtvi_plugins.pipecat.",
)
"""Packages none of whose own stages answers a text."""


def may_answer(stage: FrameProcessor) -> bool:
    """Return whether a stage, or any of those inside it, may answer what the user writes."""
    if isinstance(stage, ResponderStage):
        return True
    if isinstance(stage, BasePipeline):
        return any(may_answer(inner) for inner in stage.processors)
    if isinstance(stage, _SILENT_KINDS):
        return False
    return not f"{type(stage).__module__}.".startswith(_SILENT_PACKAGES)


def is_foreign(stage: FrameProcessor) -> bool:
    """Return whether a stage is of neither Pipecat nor this package."""
    return not type(stage).__module__.startswith(("pipecat.", "rtvi_plugins."))
