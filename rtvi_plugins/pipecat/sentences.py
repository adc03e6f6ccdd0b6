"""Sentences of a bot that does not speak: what `bot-output` is made of, without a stage in the pipeline.

Pipecat tells clients of whole sentences where a TTS service, or a processor in front of it, has put them together.
Where nothing speaks, this puts together what leaves through the output transport, so that what own stages do to the
text on its way is in it.
"""

from __future__ import annotations

from pipecat.frames.frames import (
    AggregatedTextFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
)
from pipecat.utils.text.simple_text_aggregator import SimpleTextAggregator


class Sentences:
    """The text of one session on its way out."""

    def __init__(self) -> None:
        self._aggregator = SimpleTextAggregator()
        self._is_needless = False

    async def of(self, frame: Frame) -> list[AggregatedTextFrame]:
        """Return the sentences that a frame completes."""
        if isinstance(frame, AggregatedTextFrame):  # a stage of the pipeline puts them together
            self._is_needless = True
        elif self._is_needless:
            return []
        elif isinstance(frame, LLMTextFrame):
            return [_as_frame(found.text, found.type) async for found in self._aggregator.aggregate(frame.text)]
        elif isinstance(frame, LLMFullResponseEndFrame | EndFrame):
            rest = await self._aggregator.flush()
            return [] if rest is None else [_as_frame(rest.text, rest.type)]
        elif isinstance(frame, InterruptionFrame):
            await self._aggregator.handle_interruption()
        return []


def _as_frame(text: str, kind: str) -> AggregatedTextFrame:
    frame = AggregatedTextFrame(text, kind)  # by place: the field has another name before Pipecat 1.13
    frame.skip_tts = True
    return frame
