"""Talking: `send-text` in, the responder's answer out, one turn at a time.

Source: rtvi-protocol 2.3.1 (send-text), 3.3 to 3.6 (what a turn sends, and in which order), 3.5 (bot-output).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rtvi_plugins.errors import ActionError, Category
from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.processor.keeping import keep
from rtvi_plugins.processor.memory import size_of
from rtvi_plugins.processor.requests import Code, Refusal, invalid
from rtvi_plugins.processor.sentences import Sentences
from rtvi_plugins.processor.stepping import is_from_outside
from rtvi_plugins.protocol.messages import ServerType, event
from rtvi_plugins.protocol.versions import Generation

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.dispatching import Answering
    from rtvi_plugins.processor.memory import Hold

logger = logging.getLogger(__name__)

MAX_HELD_BACK: Final = 16
"""How many texts may wait for the next turn (`run_immediately: false`); more are refused."""

YIELD_EVERY: Final = 32
"""Pieces of an answer after which other sessions get their turn, however fast it comes."""
_segments = itertools.count(1)


class Turn:
    """The bot's answer to one text, while it is being given."""

    __slots__ = ("said", "sentences", "started", "task", "text")

    def __init__(self, processor: RTVIProcessor, text: str) -> None:
        self.text = text
        self.said: list[str] = []
        self.sentences = Sentences()
        self.started = False
        self.task = asyncio.get_running_loop().create_task(self._run(processor))

    async def _run(self, processor: RTVIProcessor) -> None:
        try:
            if self.text:
                await processor.fire("on_user_text", self.text)
            processor.send(event(ServerType.BOT_LLM_STARTED))
            self.started = True
            async with aclosing(processor.responder.respond(processor, self.text)) as pieces:
                async for piece in pieces:
                    if len(self.said) % YIELD_EVERY == YIELD_EVERY - 1:
                        await asyncio.sleep(0)
                    if processor._turn is not self:
                        return  # it was interrupted, and goes on all the same
                    self._say(processor, piece)
            self._end(processor)
            await processor.fire("on_bot_text", "".join(self.said))
        except ActionError as error:
            await self._fail(processor, error.text, Category.ACTION, error.code)
        except asyncio.CancelledError:
            if is_from_outside():
                raise
            logger.exception("the responder was cancelled")
            await self._fail(processor, "The bot could not answer", Category.INTERNAL, Code.CANCELLED)
        except BaseException as error:
            pass_on(error)
            logger.exception("the responder failed")
            await self._fail(processor, "The bot could not answer", Category.INTERNAL, Code.INTERNAL)
        finally:
            if processor._turn is self:
                processor._turn = None

    async def _fail(self, processor: RTVIProcessor, text: str, category: Category, code: str) -> None:
        """End an answer that cannot go on; what was said until then counts as said."""
        self._end(processor)
        if self.said:
            await processor.fire("on_bot_text", "".join(self.said))
        await processor.send_error(text, category=category, code=code)

    def _say(self, processor: RTVIProcessor, piece: str) -> None:
        if not piece:
            return
        processor.send(event(ServerType.BOT_LLM_TEXT, {"text": piece}))
        self.said.append(piece)
        for sentence in self.sentences.add(piece):
            _output(processor, sentence)

    def _end(self, processor: RTVIProcessor) -> None:
        """Send what is left of the last sentence and close the bracket."""
        if self.started:
            self.started = False
            if rest := self.sentences.rest():
                _output(processor, rest)
            processor.send(event(ServerType.BOT_LLM_STOPPED))

    def interrupt(self, processor: RTVIProcessor) -> None:
        """Stop answering at once. What was said until then counts as said."""
        processor.abandon(self.task)
        self.sentences.clear()
        self._end(processor)
        if self.said:
            processor.spawn(processor.fire("on_bot_text", "".join(self.said)))


def _output(processor: RTVIProcessor, sentence: str) -> None:
    """Send one finished sentence in the form the client's generation knows."""
    processor.send(event(ServerType.BOT_TRANSCRIPTION, {"text": sentence}))
    if processor.generation is Generation.V1:
        processor.send(event(ServerType.BOT_OUTPUT, {"text": sentence, "spoken": False, "aggregated_by": "sentence"}))
    elif processor.generation is Generation.V2:
        data = {
            "text": sentence,
            "output_type": "sentence",
            "aggregated_by": "sentence",
            "segment_id": next(_segments),
            "will_be_spoken": False,
            "spoken_status": "new",
        }
        processor.send(event(ServerType.BOT_OUTPUT, data))


class HeldText(NamedTuple):
    """A text that waits for the next turn."""

    text: str
    hold: Hold


class UserText(NamedTuple):
    """What a `send-text` says: the text, whether it is to be answered at once, and whether aloud."""

    content: str
    run: bool
    audio: bool


def read_text(data: Any) -> UserText:
    """Check `data` of a `send-text`. Raises Refusal."""
    content = data.get("content") if data else None
    options = data.get("options") if data else None
    options = {} if options is None else options
    if not isinstance(content, str):
        raise invalid("expected string", "content")
    if not isinstance(options, dict):
        raise invalid("expected object", "options")
    for name in ("run_immediately", "audio_response"):
        if not isinstance(options.get(name, True), bool):
            raise invalid("expected bool", "options", name)
    return UserText(content, options.get("run_immediately", True), options.get("audio_response", True))


def no_responder() -> Refusal:
    """Return the refusal of a text that nobody would answer."""
    return Refusal("This bot has no responder for text", Code.NO_RESPONDER, Category.PROTOCOL)


def no_context() -> Refusal:
    """Return the refusal of a message for a context that nobody keeps."""
    return Refusal("This bot keeps no context", Code.NO_RESPONDER, Category.PROTOCOL)


def on_send_text(processor: RTVIProcessor, id_: str, data: Any) -> Answering | None:
    """Begin a turn with the user's text, or keep it for the next one. Raises Refusal."""
    content, run, _ = read_text(data)
    if processor.responder is None:
        raise no_responder()
    held = processor._held_back or []
    append = getattr(processor.responder, "append", None)
    if not run and append is not None:  # the text takes its place in the context, where the next answer finds it
        _append(processor, "user", content)
        _acknowledge(processor, id_, content)
        return None
    if not run:
        if len(held) >= MAX_HELD_BACK:
            raise Refusal("Too many texts wait for the next turn", Code.BUSY, Category.PROTOCOL)
        processor._held_back = [*held, HeldText(content, keep(processor, size_of(content), "a text"))]
        _acknowledge(processor, id_, content)
        return None
    return _take_turn(processor, id_, content)


async def _take_turn(processor: RTVIProcessor, id_: str, content: str | None) -> None:
    if processor._turn_lock is None:
        processor._turn_lock = asyncio.Lock()
    async with processor._turn_lock:  # a host may take its time to interrupt: turns are taken in the order they came
        if processor._turn is not None:
            await processor.interrupt_bot()
        _begin_turn(processor, id_, content)


def _begin_turn(processor: RTVIProcessor, id_: str, content: str | None) -> None:
    """Have the responder answer; content None: what its context already holds."""
    held, processor._held_back = processor._held_back or [], None
    texts = [one.text for one in held]
    if content is not None:
        _acknowledge(processor, id_, content)
        texts.append(content)
    text = "\n".join(texts)
    if text:
        processor.send(event(ServerType.USER_LLM_TEXT, {"text": text}))
    processor._turn = Turn(processor, text)


def _acknowledge(processor: RTVIProcessor, id_: str, content: str) -> None:
    """Send `user-input`, which clients of generation 2 know or ignore."""
    if processor.generation is Generation.V2:
        data = {
            "text": content,
            "input_type": "chat",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "final": True,
            "msg_id": id_,
        }
        processor.send(event(ServerType.USER_INPUT, data))


class ContextMessage(NamedTuple):
    """What an `append-to-context` adds, and whether the LLM is to answer."""

    role: str
    content: Any
    run: bool


def read_context_message(data: Any) -> ContextMessage:
    """Check `data` of an `append-to-context`. Raises Refusal."""
    given = data or {}
    role, content, run = given.get("role"), given.get("content"), given.get("run_immediately", False)
    if not isinstance(role, str):
        raise invalid("expected string", "role")
    if "content" not in given:
        raise invalid("missing", "content")
    if not isinstance(run, bool):
        raise invalid("expected bool", "run_immediately")
    return ContextMessage(role, content, run)


def on_append_to_context(processor: RTVIProcessor, id_: str, data: Any) -> Answering | None:
    """Add to the LLM's context, where the responder keeps one; `run_immediately` has it answer. Raises Refusal."""
    role, content, run = read_context_message(data)
    if getattr(processor.responder, "append", None) is None:
        raise no_context()
    if run and role == "user" and isinstance(content, str):
        return _take_turn(processor, id_, content)
    _append(processor, role, content)
    return _take_turn(processor, id_, None) if run else None


def _append(processor: RTVIProcessor, role: str, content: Any) -> None:
    """Add to the responder's context. Raises Refusal."""
    try:
        processor.responder.append(processor, role, content)
    except ActionError as error:
        raise Refusal(error.text, error.code, Category.PROTOCOL, error.details) from None


def interrupt(processor: RTVIProcessor) -> None:
    """Stop the turn that runs, if any, and tell the clients that know the message."""
    turn, processor._turn = processor._turn, None
    if turn is not None:
        turn.interrupt(processor)
    if processor.generation is Generation.V2:
        processor.send(event(ServerType.BOT_INTERRUPTED))
