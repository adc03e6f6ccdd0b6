"""`RTVIObserver`: Pipecat's own, silent about the function calls that the session announces by itself.

Where nothing speaks, it also reports whole sentences, which in Pipecat only stages make.

A call of `register_tools` is told by the session, with what the client needs to execute it and nothing more. Leaving
those frames out here, rather than by report levels, holds whatever levels an application sets, at any time.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pipecat.frames.frames import (
    FunctionCallCancelFrame,
    FunctionCallInProgressFrame,
    FunctionCallResultFrame,
    FunctionCallsStartedFrame,
    InputAudioRawFrame,
)
from pipecat.observers.base_observer import FramePushed
from pipecat.processors.frame_processor import FrameDirection
from pipecat.processors.frameworks.rtvi import RTVIObserver as StockObserver
from pipecat.processors.frameworks.rtvi import RTVIObserverParams
from pipecat.transports.base_output import BaseOutputTransport

from rtvi_plugins.pipecat.sentences import Sentences

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.processor import RTVIProcessor


class RTVIObserver(StockObserver):
    """Tells the client what happens in the pipeline. Everything but its silence is Pipecat's.

    rtvi: None as in Pipecat: a subclass's `send_rtvi_message` says where messages go, and nothing is left out.
    """

    def __init__(
        self, rtvi: RTVIProcessor | None = None, *, params: RTVIObserverParams | None = None, **observer: Any
    ) -> None:
        super().__init__(rtvi, params=params, **observer)
        self._own_functions: set[str] = set() if rtvi is None else rtvi.own_functions
        self._own_rtvi = rtvi
        self._sentences = Sentences()

    async def on_push_frame(self, data: FramePushed) -> None:
        """Report a frame, unless it is about a function of the session's own."""
        frame = data.frame
        if isinstance(frame, InputAudioRawFrame) and self._own_rtvi is not None:
            self._own_rtvi.note_sound()
        if isinstance(frame, FunctionCallsStartedFrame):
            others = [call for call in frame.function_calls if call.function_name not in self._own_functions]
            if len(others) < len(frame.function_calls):
                if not others:
                    return
                data, frame = copy.copy(data), copy.copy(frame)  # other observers look at the same objects
                frame.function_calls = others
                data.frame = frame
        elif (
            isinstance(frame, FunctionCallInProgressFrame | FunctionCallCancelFrame | FunctionCallResultFrame)
            and frame.function_name in self._own_functions
        ):
            return
        await super().on_push_frame(data)
        if (
            self._own_rtvi is not None
            and self._own_rtvi.tells_sentences
            and data.direction is FrameDirection.DOWNSTREAM
        ):
            await self._tell_sentences(data)

    async def _tell_sentences(self, data: FramePushed) -> None:
        """Report sentences that are complete once a frame has left through the output transport."""
        if isinstance(data.source, BaseOutputTransport):
            for sentence in await self._sentences.of(data.frame):
                whole = copy.copy(data)
                whole.frame = sentence
                await super().on_push_frame(whole)


def see_to_observer(rtvi: RTVIProcessor) -> None:
    """Add the observer that a processor placed by hand lacks: Pipecat adds one beside its own processor only."""
    if rtvi.has_observer:
        return
    worker = rtvi.pipeline_worker
    try:
        is_known = worker.rtvi is rtvi
    except Exception:  # noqa: BLE001 - what Pipecat raises when there is no processor it knows
        is_known = False
    if not is_known:
        worker.add_observer(rtvi.create_rtvi_observer())
