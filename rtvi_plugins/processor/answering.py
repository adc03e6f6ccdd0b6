"""Answering: each request once, in time or with a time-out."""

from __future__ import annotations

import asyncio
import logging
import math

from rtvi_plugins.errors import Category
from rtvi_plugins.processor.events import EventSource
from rtvi_plugins.processor.port import Detached, Port
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.protocol.messages import Message, ServerType, event

logger = logging.getLogger(__name__)


class AnsweringRequests(EventSource):
    """Sends what a session answers, and keeps the clock of what is running."""

    __slots__ = ("_clock", "_clock_at", "_loop", "_port", "_running", "errors_enabled")

    def __init__(self, port: Port | None) -> None:
        super().__init__()
        self._port: Port = Detached() if port is None else port
        self._running: set[Request] = set()
        self.errors_enabled = True
        # Kept at hand: before Python 3.12 `asyncio.get_running_loop()` asks the system for the process id each time.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._clock_at = 0.0

    def refuse(self, request: Request, refusal: Refusal) -> None:
        """Answer a request with `error-response`, unless it was answered already."""
        if not request.is_answered:
            request.is_answered = True
            if request.attempt is not None:
                request.attempt.settle(self, None, refusal)
            try:
                self._port.send(request.answer_refusal(refusal))
            except TypeError as error:
                logger.error("what goes with a refusal is not JSON: %s", error)  # noqa: TRY400 - no traceback to show
                plain = Refusal(refusal.text, refusal.code, refusal.category)
                self._port.send(request.answer_refusal(plain))

    def answer(self, request: Request, message: Message) -> None:
        """Send a request's answer, unless it was answered already. Raises TypeError when it is not JSON."""
        if not request.is_answered:
            self._port.send(message)
            request.is_answered = True

    def tell_invalid(self, text: str) -> None:
        """Send the `error` event for something that is no RTVI message and has no id to reply to."""
        if not self.errors_enabled:
            return
        text = f"Invalid RTVI transport message: {text}"
        data = {"error": text, "message": text, "fatal": False, "code": Code.INVALID_MESSAGE, "category": "protocol"}
        self._port.send(event(ServerType.ERROR, data))

    # -- time ---------------------------------------------------------------------------------------------------------

    def start_clock(self, request: Request, timeout: float) -> None:
        """Answer the request with a time-out and cancel it, unless `untrack` comes first. `timeout` is in seconds."""
        request.timeout = timeout
        request.deadline = deadline = (self._loop or asyncio.get_running_loop()).time() + timeout
        if self._clock is None or deadline < self._clock_at:
            self._set_clock(deadline)

    def _set_clock(self, deadline: float) -> None:
        # One timer for the session, at its earliest deadline: one for each request would cost it 1 us and a heap entry.
        if self._clock is not None:
            self._clock.cancel()
        self._clock_at = deadline
        self._clock = (self._loop or asyncio.get_running_loop()).call_at(deadline, self._expire_due)

    def _expire_due(self) -> None:
        self._clock = None
        now = asyncio.get_running_loop().time() + 0.001  # event loops may be early by what they round
        later = math.inf
        for request in tuple(self._running):
            if request.deadline <= now:
                request.deadline = math.inf
                self._expire(request)
            elif request.deadline < later:
                later = request.deadline
        if later < math.inf:
            self._set_clock(later)

    def untrack(self, request: Request) -> None:
        """Stop counting a request."""
        self._running.discard(request)
        if request.is_expired and request.task is not None:
            request.task.uncancel()

    def _expire(self, request: Request) -> None:
        self.refuse(request, Refusal(f"Timed out after {request.timeout:g} s", Code.TIMEOUT, Category.ACTION))
        request.is_expired = True
        if request.task is not None:
            request.task.cancel()
