"""The stage `responder`: the bot's responder (`runtime.responder`) where a language model would stand.

It takes the context that the aggregator of the user's turns sends on, and answers with the frames of an LLM service, so
that speech, transcripts and the context of what was said work as they do with one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMConfigureOutputFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rtvi_plugins.errors import ActionError, Category
from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.processor.requests import Code
from rtvi_plugins.processor.stepping import is_from_outside

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.pipecat.processor import RTVIProcessor

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 64
"""Turns that may wait for the one being answered; the oldest of more are passed over."""


class ResponderStage(FrameProcessor):
    """Answers each turn of the user with the bot's responder.

    bot:       has the responder.
    processor: the RTVI processor of the same pipeline: its session is what the responder is given.
    Raises ValueError when the bot has no responder.
    """

    def __init__(self, bot: Bot, processor: RTVIProcessor, **frame_processor: Any) -> None:
        super().__init__(**frame_processor)
        if bot.processor_class.responder is None:
            raise ValueError("the stage 'responder' needs a responder under runtime.responder")
        self._responder = bot.processor_class.responder
        self._session = processor.session_processor
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        self._answering: asyncio.Task[None] | None = None
        self._heard = 0
        self._skip_tts: bool | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer contexts, stop when interrupted, and pass everything else on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame) and direction is FrameDirection.DOWNSTREAM:
            self._take(frame.context.get_messages())
            return
        if isinstance(frame, LLMConfigureOutputFrame):
            self._skip_tts = frame.skip_tts
        elif isinstance(frame, InterruptionFrame | CancelFrame):
            await self._stop()
        elif isinstance(frame, EndFrame) and self._answering is not None:
            await asyncio.wait({self._answering})  # what was asked before the end is answered before it
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Stop answering."""
        await self._stop()
        await super().cleanup()  # type: ignore[no-untyped-call]

    def _take(self, messages: list[Any]) -> None:
        text = "\n".join(_new_texts(messages, self._heard))
        self._heard = len(messages)
        if not text and getattr(self._responder, "append", None) is None:
            return  # it answers texts only, and there is none
        self._waiting.append(text)
        # In a task: an action of the answer may need the pipeline, which waits while a frame is being processed.
        if self._answering is None or self._answering.done():
            self._answering = self.create_task(self._answer_all(), "answer")

    async def _stop(self) -> None:
        self._waiting.clear()
        answering, self._answering = self._answering, None
        if answering is not None and answering is not asyncio.current_task():
            await self.cancel_task(answering)

    async def _answer_all(self) -> None:
        while self._waiting:
            await self._answer(self._waiting.popleft())

    async def _answer(self, text: str) -> None:
        session, said = self._session, list[str]()
        try:
            if text:
                await session.fire("on_user_text", text)
            await self._push(LLMFullResponseStartFrame())
            try:
                async with aclosing(self._responder.respond(session, text)) as pieces:
                    async for piece in pieces:
                        if piece:
                            said.append(piece)
                            await self._push(LLMTextFrame(piece))
            finally:
                await self._push(LLMFullResponseEndFrame())
        except ActionError as error:
            await session.send_error(error.text, category=Category.ACTION, code=error.code)
        except asyncio.CancelledError:
            if is_from_outside():
                raise
            logger.exception("the responder was cancelled")
            await session.send_error("The bot could not answer", category=Category.INTERNAL, code=Code.CANCELLED)
        except BaseException as error:
            pass_on(error)
            logger.exception("the responder failed")
            await session.send_error("The bot could not answer", category=Category.INTERNAL, code=Code.INTERNAL)
        finally:
            if said:  # an interrupted answer counts as far as it came
                await session.fire("on_bot_text", "".join(said))

    async def _push(self, frame: LLMFullResponseStartFrame | LLMTextFrame | LLMFullResponseEndFrame) -> None:
        if self._skip_tts is not None:
            frame.skip_tts = self._skip_tts
        await self.push_frame(frame)


def _new_texts(messages: list[Any], heard: int) -> Iterable[str]:
    """Give what the user said since the last answer, one text per message.

    messages: those of the context; ones in the form of a particular LLM are passed over.
    heard:    how many of them were there the last time: an interrupted turn leaves its text unanswered.
    """
    start = len(messages)
    for message in reversed(messages):
        if isinstance(message, Mapping) and message.get("role") in ("assistant", "tool"):
            break
        start -= 1
    if heard <= len(messages):  # otherwise somebody has replaced them
        start = max(start, heard)
    for message in messages[start:]:
        if isinstance(message, Mapping) and message.get("role") == "user":
            text = _text_of(message.get("content"))
            if text:
                yield text


def _text_of(content: Any) -> str:
    """Give the text of a message's content: a string, or parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text"]
    return " ".join(text for text in texts if isinstance(text, str))
