"""Answers of Pipecat's LLM services, judged as on the standalone host: which are none, and which tool calls are unfit.

Pipecat's services for OpenAI-compatible providers take whatever a stream brings: they drop tool calls whose arguments
cannot be read, and say nothing of an answer that is empty, filtered or cut off. Their public `get_chat_completions` is
where the stream comes in; here it is put in order, and a response that is no answer ends in an error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from pipecat.pipeline.base_pipeline import BasePipeline
from pipecat.services.llm_service import LLMService
from pipecat.utils.errors import ErrorCategory

from rtvi_plugins.errors import ActionError
from rtvi_plugins.llm import failures
from rtvi_plugins.llm.calls import ToolCall, UnfitError
from rtvi_plugins.llm.reply import Reply

if TYPE_CHECKING:
    from pipecat.frames.frames import ErrorFrame
    from pipecat.processors.frame_processor import FrameProcessor

    from rtvi_plugins.pipecat.processor import RTVIProcessor

SOURCE: Final = "get_chat_completions"
MAX_UNFIT: Final = 256
"""Calls with arguments that cannot be read, which are remembered until the tool is run."""

_OF_CATEGORIES: Final = {
    ErrorCategory.AUTHENTICATION: (failures.KEY_REFUSED, "refused"),
    ErrorCategory.AUTHORIZATION: (failures.KEY_REFUSED, "refused"),
    ErrorCategory.INVALID_REQUEST: (failures.REFUSED, "refused"),
    ErrorCategory.RATE_LIMIT: (f"{failures.BUSY}; try again later", "busy"),
    ErrorCategory.QUOTA: (f"{failures.BUSY}; try again later", "busy"),
    ErrorCategory.SERVER: (failures.UNAVAILABLE, "unavailable"),
    ErrorCategory.CONNECTIVITY: (failures.UNREACHABLE, "unreachable"),
}
"""What Pipecat tells of an error of any LLM service, whatever its provider → what the client is told."""


class AnswerError(Exception):
    """A response that is no answer. `refusal`: what the client is told."""

    def __init__(self, refusal: ActionError) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def told_of(frame: ErrorFrame) -> ActionError | None:
    """Return what the client is told of an error of an LLM service; None for an error of which nothing is known."""
    if not isinstance(frame.processor, LLMService):
        return None
    error = frame.exception
    if isinstance(error, AnswerError):
        return error.refusal
    if isinstance(error, TimeoutError) or type(error).__module__.partition(".")[0] == "openai":
        return failures.refusal(error, has_begun=False)  # type: ignore[arg-type] # it is one of these
    known = None if frame.category is None else _OF_CATEGORIES.get(frame.category)
    return None if known is None else ActionError(known[0], code=known[1])


def watch_all(rtvi: RTVIProcessor, pipeline: FrameProcessor) -> None:
    """Judge the answers of every LLM service in a pipeline that can be."""
    for service in _services(pipeline):
        source = getattr(service, SOURCE, None)
        if source is not None and SOURCE not in vars(service):
            setattr(service, SOURCE, _judging(rtvi, service, source))


def _services(stage: FrameProcessor) -> Iterator[LLMService[Any]]:
    if isinstance(stage, LLMService):
        yield stage
    elif isinstance(stage, BasePipeline):
        for inner in stage.processors:
            yield from _services(inner)


def _judging(rtvi: RTVIProcessor, service: LLMService[Any], source: Callable[..., Any]) -> Callable[..., Any]:
    async def judging(context: Any, *arguments: Any, **keywords: Any) -> Answer:
        taken = {call["id"] for message in context.get_messages() for call in _calls_in(message)}
        stream = await source(context, *arguments, **keywords)
        return Answer(stream, taken, lambda calls: _fit(rtvi, service, calls))

    return judging


def _calls_in(message: Any) -> list[Any]:
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    return [call for call in calls or () if isinstance(call, dict) and isinstance(call.get("id"), str)]


def _fit(rtvi: RTVIProcessor, service: LLMService[Any], calls: tuple[ToolCall, ...]) -> Iterator[ToolCall]:
    """Give the calls that go on. Arguments that cannot be read are noted for a tool of the bot, which answers so.

    A function of the application's own is not run without its arguments.
    """
    for call in calls:
        try:
            call.parse()
        except UnfitError as error:
            if call.name not in rtvi.own_functions and service.has_function(call.name):
                continue
            rtvi.unfit_calls[call.id] = str(error)
            if len(rtvi.unfit_calls) > MAX_UNFIT:
                del rtvi.unfit_calls[next(iter(rtvi.unfit_calls))]
        yield call


class Answer:
    """One streamed response, in the form that Pipecat's services read without loss."""

    def __init__(self, stream: Any, taken: set[str], fit: Callable[[tuple[ToolCall, ...]], Iterator[ToolCall]]) -> None:
        self._stream = stream
        self._taken = taken
        self._fit = fit
        self._reply = Reply()
        self._has_text = False

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._chunks()

    async def close(self) -> None:
        """Close the connection."""
        close = getattr(self._stream, "close", None) or getattr(self._stream, "aclose", None)
        if close is not None:
            await close()

    async def _chunks(self) -> AsyncIterator[Any]:
        try:
            async for chunk in self._stream:
                taken = self._take(chunk)
                if taken is not None:
                    yield taken
        except Exception as error:
            if self._reply.finish_reason is None:
                raise AnswerError(failures.refusal(error, has_begun=True)) from error
        if rest := self._reply.rest():
            self._has_text = True
            yield _chunk({"content": rest})
        calls = self._reply.calls(self._taken)
        failure = failures.judged(self._reply, has_said=self._has_text, has_text=self._has_text, calls=calls)
        if failure is not None:
            raise AnswerError(failure)
        passed = list(self._fit(calls))
        for index, call in enumerate(passed):
            yield _chunk({"tool_calls": [{"index": index, **call.as_message_part()}]})
        if calls and not passed and not self._has_text:
            raise AnswerError(ActionError(failures.UNREADABLE, code="unreadable"))

    def _take(self, chunk: Any) -> Any:
        """Return a chunk with its text alone; None where there is nothing in it. Its calls come whole at the end."""
        text = self._reply.take(chunk)
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            return chunk if getattr(chunk, "usage", None) else None
        self._has_text = self._has_text or bool(text)
        chunk.choices = [choice for choice in choices if getattr(choice, "index", 0) in (0, None)][:1]
        for choice in chunk.choices:
            delta = getattr(choice, "delta", None)
            if delta is None:
                return chunk if getattr(chunk, "usage", None) else None
            delta.tool_calls = None
            delta.content = text or None
            audio = getattr(delta, "audio", None)
            self._has_text = self._has_text or bool(isinstance(audio, dict) and audio.get("transcript"))
        return chunk


def _chunk(delta: dict[str, Any]) -> Any:
    from openai.types.chat import ChatCompletionChunk  # noqa: PLC0415 - loaded already: a service of its kind runs

    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return ChatCompletionChunk.construct(choices=[choice], usage=None, model=None)
