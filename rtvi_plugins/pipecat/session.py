"""One session in a pipeline: the host-neutral processor, with the pipeline as its host.

`PipelineSession` answers what the manifest declares; what only a pipeline can take stands in `input`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pipecat.frames.frames import DataFrame, EndWorkerFrame, OutputTransportMessageUrgentFrame, TTSSpeakFrame

from rtvi_plugins.llm.calls import UnfitError
from rtvi_plugins.llm.results import as_error, as_heard
from rtvi_plugins.pipecat import input  # noqa: A004 - the module of what comes in
from rtvi_plugins.pipecat.answering import may_answer
from rtvi_plugins.pipecat.border import from_pipecat, to_direction, to_pipecat
from rtvi_plugins.pipecat.carried import Carried
from rtvi_plugins.processor import memory
from rtvi_plugins.processor.core import DISPATCH
from rtvi_plugins.processor.core import RTVIProcessor as CoreProcessor
from rtvi_plugins.processor.loop import DEFAULT_LIMITS
from rtvi_plugins.processor.stepping import begin
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.frames import Frame, FrameDirection, FunctionCallResultFrame
from rtvi_plugins.protocol.messages import Message

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.processor import RTVIProcessor
    from rtvi_plugins.processor.config import RTVIConfig
    from rtvi_plugins.processor.functions import ResultCallback
    from rtvi_plugins.processor.port import Session

logger = logging.getLogger(__name__)


LEAST_COUNTED: Final = 256
"""Bytes that a message counts at least, as long as the client has not read it."""


@dataclasses.dataclass
class RTVIFollowingFrame(DataFrame):
    """Follows a frame that holds a large message: every stage holds the last frame until the next one comes."""


class PipelinePort:
    """The pipeline as a processor's host: messages leave as transport frames, options reach the stages."""

    def __init__(self, rtvi: RTVIProcessor) -> None:
        self._rtvi = rtvi
        limits = {**DEFAULT_LIMITS, **rtvi.session_processor.limits}
        self._unread = memory.of_messages(limits, "max_outgoing_bytes", memory.OUTGOING)
        self._is_dropped = False

    def send(self, message: Message) -> None:
        """Push one message towards the transport. Raises NotJSONError, having sent nothing, when it is not JSON."""
        text = wire.encode(message)
        plain = memory.read(text)  # serializers are less capable, and fail where nobody sees it
        if self._rtvi.told_calls.may_session_tell(plain):
            self._push(plain, text)

    def pass_on(self, message: Message) -> None:
        """Push a message that does not come from the session. Raises NotJSONError."""
        text = wire.encode(message)
        self._push(memory.read(text), text)

    def _push(self, message: Message, text: bytes) -> None:
        size = memory.size_when_read(text)
        hold = self._unread.hold(max(LEAST_COUNTED, size))
        if hold is None:
            self._drop_client()
            return
        frame = OutputTransportMessageUrgentFrame(message=Carried(message, len(text), size))
        frame.hold = hold  # type: ignore[attr-defined] # it counts until the transport has written the frame
        # Queues take frames without waiting; should an event handler of the application wait, it waits in a task.
        rest = begin(self._rtvi.push_frame(frame))
        if rest is not None:
            self._rtvi.create_task(_until_done(rest), "send")

    def _drop_client(self) -> None:
        """End the pipeline of a client that does not read."""
        if not self._is_dropped:
            self._is_dropped = True
            session = self._rtvi.session_processor
            logger.warning("session %s: the client does not read; closing", session.session.id)
            session.finish("failed")
            self._rtvi.create_task(self._rtvi.pipeline_worker.cancel(reason="the client does not read"), "drop")

    async def push_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Push a frame of either kind through the pipeline."""
        await self._rtvi.push_frame(to_pipecat(frame), to_direction(direction))
        session = self._rtvi.session_processor
        if session.is_large_held:
            session.is_large_held = False
            await self._rtvi.push_frame(RTVIFollowingFrame(), to_direction(direction))

    async def apply(self, stage: str, field: str, value: Any) -> None:
        """Set a field of a running stage (`bind:`)."""
        await self._rtvi.apply(stage, field, value)

    async def interrupt(self) -> None:
        """Interrupt what the pipeline is saying."""
        await self._rtvi.broadcast_interruption()  # type: ignore[no-untyped-call]

    async def say(self, text: str) -> None:
        """Have the TTS stage speak a text."""
        await self._rtvi.push_frame(TTSSpeakFrame(text))

    async def end(self) -> None:
        """End the pipeline, after what is in it."""
        await self._rtvi.push_frame(EndWorkerFrame())


async def _until_done(rest: Any) -> None:
    await rest


class PipelineSession(CoreProcessor):
    """What handlers get as `processor` in a pipeline: the API of every host, and the Pipecat processor behind it.

    rtvi: the Pipecat processor; an attribute that this object has not is looked up there (`create_task`,
          `pipeline_worker`, `broadcast_frame`).
    in_context:    the bytes that the client has added to the LLM's context.
    is_large_held: whether a large message was taken, which a frame for the pipeline may hold.
    """

    __slots__ = ("_about", "_delivered", "in_context", "is_large_held", "rtvi")

    def __init__(self, rtvi: RTVIProcessor, config: RTVIConfig | None = None, session: Session | None = None) -> None:
        super().__init__(config, session=session)
        self.rtvi = rtvi
        self._about: Mapping[str, Any] | None = None
        self._delivered: set[str] = set()
        self.is_large_held = False
        self.in_context: memory.Hold | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "rtvi":  # not made yet, or private to the other side
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.rtvi, name)

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What this pipeline takes and gives: its transports know, from Pipecat 1.14 on."""
        known = getattr(self.rtvi.pipeline_worker, "capabilities", None)
        return {} if known is None else known.model_dump(exclude_none=True)

    @property
    def about(self) -> Mapping[str, Any]:
        """What `bot-ready` says of the bot."""
        return super().about if self._about is None else self._about

    @about.setter
    def about(self, about: Mapping[str, Any]) -> None:
        """Say something else of it from now on."""
        self._about = about

    @property
    def hands_on(self) -> bool:  # type: ignore[override]  # there it is the same for all sessions
        """Whether a stage may answer messages that are declared nowhere."""
        return self.rtvi.may_stages_answer

    @property
    def answers_text(self) -> bool:
        """Whether a stage of the pipeline may answer `send-text`."""
        rtvi = self.rtvi
        if rtvi.may_stages_answer_text is None:
            rtvi.may_stages_answer_text = may_answer(rtvi.pipeline_worker.pipeline)
        return rtvi.may_stages_answer_text

    @property
    def may_speak(self) -> bool:
        """Whether a stage of the pipeline may make speech of what the bot says."""
        return not self.rtvi.tells_sentences

    async def push_frame(self, frame: Any, direction: Any = FrameDirection.DOWNSTREAM) -> None:
        """Push a frame, this project's or Pipecat's: RTVI messages go straight to the client, all else downstream."""
        frame = from_pipecat(frame)
        if isinstance(frame, FunctionCallResultFrame) and frame.tool_call_id in self._delivered:
            self._delivered.discard(frame.tool_call_id)  # the LLM service has pushed it
            return
        await super().push_frame(frame, direction)

    def begins_call(self, tool_call_id: str) -> bool:
        """Return whether the pipeline's observer has not told the client yet that a call begins."""
        return self.rtvi.told_calls.may_session_start(tool_call_id)

    def note_answer(self, id_: str) -> bool:
        """Take note that something in the pipeline answers a request. False when it has its answer already."""
        unanswered = self._unanswered
        return unanswered is None or unanswered.take(id_) is not None or not unanswered.is_done(id_)

    async def interrupt_bot(self) -> None:
        """Interrupt the pipeline; its observer tells the client."""
        await self._port.interrupt()

    async def handle_function_call(
        self,
        function_name: str,
        tool_call_id: str,
        arguments: Any,
        llm: Any = None,
        context: Any = None,
        result_callback: ResultCallback | None = None,
    ) -> None:
        """As on every host; but the callback of an LLM service pushes the `FunctionCallResultFrame` itself."""
        if result_callback is not None and (getattr(result_callback, "__module__", "") or "").startswith("pipecat."):
            self._delivered.add(tool_call_id)
            result_callback = _heard_by(result_callback)
        await super().handle_function_call(function_name, tool_call_id, arguments, llm, context, result_callback)


def _heard_by(callback: ResultCallback) -> ResultCallback:
    """Wrap the callback of an LLM service, which hears results in one form."""

    def hear(result: Any) -> Awaitable[None] | None:
        try:
            return callback(as_heard(result))
        except UnfitError as error:
            return callback(as_error(error))

    return hear


PipelineSession.dispatch = MappingProxyType({**DISPATCH, **input.DISPATCH})
