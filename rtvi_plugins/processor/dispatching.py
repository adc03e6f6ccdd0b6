"""Dispatching: what an envelope asks for, and what is told of one that asks for nothing that there is.

What the messages mean is not known here: `dispatch` says what to do with each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import CoroutineType, MappingProxyType
from typing import Any, ClassVar, Final

from rtvi_plugins.errors import Category
from rtvi_plugins.processor.answering import AnsweringRequests
from rtvi_plugins.processor.ending import not_foreseen
from rtvi_plugins.processor.port import Port
from rtvi_plugins.processor.requests import Code, Refusal, Request, invalid
from rtvi_plugins.processor.running import Call, start_call
from rtvi_plugins.processor.stepping import begin
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message

logger = logging.getLogger(__name__)

Answering = Awaitable[None]
"""What is left to be done for a message: a coroutine that has not begun, or anything else that has to wait already."""
Dispatch = Callable[[Any, str, Any], "Call | Answering | None"]
"""`(processor, id, data)`: handle one message; give what is left of it where waiting may be needed."""

WITHOUT_WAITING: Final = frozenset(
    {ClientType.CLIENT_READY, ClientType.DISCONNECT_BOT, ClientType.LLM_FUNCTION_CALL_RESULT}
)
"""Messages that are handled before the bot is ready."""

_WITHOUT_LIMIT: Final = WITHOUT_WAITING | {ClientType.UI_CANCEL_JOB_GROUP}
"""Messages that are handled however many requests are running: they make room."""


class DispatchingMessages(AnsweringRequests):
    """Finds who handles a message.

    _starting: the request of the message at hand, should it be held up.
    """

    dispatch: ClassVar[Mapping[str, Dispatch]] = MappingProxyType({})

    __slots__ = ("_handlers", "_max_running", "_starting")

    def __init__(self, port: Port | None, max_running: float) -> None:
        super().__init__(port)
        self._handlers = self.dispatch  # at hand: the way to an attribute of the class is long
        self._max_running = max_running
        self._starting: Request | None = None

    def must_end(self, expected: int = 0) -> bool:
        """Whether the CancelledError at hand has to be obeyed."""
        raise NotImplementedError

    def _dispatch(self, message: Message) -> Call | Answering | None:
        """Find what a message asks for. Checks that need no waiting happen here; the rest is returned."""
        self._starting = None
        try:
            if message["label"] != LABEL:
                logger.debug("ignored a message with another label")
                return None
            type_ = message["type"]
            handler = self._handlers[type_]
            id_ = message["id"]
            data = message.get("data")
        except (TypeError, KeyError, AttributeError):
            self._malformed(message)
            return None
        if id_.__class__ is not str or (data is not None and data.__class__ is not dict):
            self._misfit(id_, type_, data)
            return None
        if len(self._running) >= self._max_running and type_ not in _WITHOUT_LIMIT:
            self.refuse(Request(id_), self._no_room())
            return None
        try:
            return handler(self, id_, data)
        except BaseException as error:  # noqa: BLE001 - the client is told of every one
            self.refuse(Request(id_), not_foreseen(error, type_))
            return None

    def is_well_formed(self, message: object) -> bool:
        """Return whether a message is an envelope of a known type; `_dispatch` says what is wrong with any other."""
        if not isinstance(message, dict) or message.get("label") != LABEL:
            return False
        type_, data = message.get("type"), message.get("data")
        is_known = isinstance(type_, str) and type_ in self._handlers
        return is_known and isinstance(message.get("id"), str) and (data is None or isinstance(data, dict))

    def _malformed(self, message: object) -> None:
        """Tell of a message that is no envelope; a foreign one (no label) is ignored (rtvi-protocol 1, rules 2, 3)."""
        if not isinstance(message, dict):
            self.tell_invalid("expected an object")
        elif message.get("label") == LABEL:
            self._misfit(message.get("id"), message.get("type"), message.get("data"))

    def _misfit(self, id_: object, type_: object, data: object) -> None:
        """Tell what is wrong with an envelope whose parts do not fit: by reply where there is an id to reply to."""
        place, text = "", f"unsupported type {str(type_)[:100]}"
        if not isinstance(type_, str):
            place, text = "type", "expected string"
        elif data is not None and not isinstance(data, dict):
            place, text = "data", "expected object"
        elif id_ is not None and not isinstance(id_, str):
            place, text = "id", "expected string"
        elif type_ in self.dispatch:
            place, text = "id", "missing"
        if not isinstance(id_, str):
            self.tell_invalid(f"{place}: {text}" if place else text)
        elif place:
            self.refuse(Request(id_), invalid(text, place))
        else:
            self.refuse(Request(id_), Refusal(f"U{text[1:]}", Code.UNSUPPORTED_TYPE, Category.PROTOCOL))

    def _no_room(self) -> Refusal:
        if self._max_running <= 0:
            return Refusal("The server is shutting down", Code.SHUTTING_DOWN, Category.PROTOCOL)
        text = f"Too many requests at once: {len(self._running)} are running"
        return Refusal(text, Code.BUSY, Category.PROTOCOL)

    def _begin(self, answering: Call | Answering) -> Awaitable[Any] | None:
        """Run what is left of a message up to where it first has to wait; give what is left then, if anything."""
        rest = start_call(self, answering) if isinstance(answering, tuple) else answering
        return begin(rest) if isinstance(rest, CoroutineType) else rest

    def _track(self, request: Request, task: asyncio.Task[Any] | None) -> None:
        """Count a request that has to wait, and start its clock."""
        request.task = task
        self._running.add(request)
        timeout = request.timeout
        if timeout is not None:  # what `start_clock` does, written out
            request.deadline = deadline = (self._loop or asyncio.get_running_loop()).time() + timeout
            if self._clock is None or deadline < self._clock_at:
                self._set_clock(deadline)
