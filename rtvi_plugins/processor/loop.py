"""The message loop of a session: reading, handling, waiting, ending.

Each incoming message is handled in the task that read it; when its handler has to wait, another task goes on reading
(see `stepping`). What comes too early waits in order; what takes too long is answered and cancelled; what is left is
cancelled at the end. What the messages mean is not known here: `dispatch` says what to do with each.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import CoroutineType, MappingProxyType
from typing import Any, ClassVar, Final

from rtvi_plugins.errors import Category
from rtvi_plugins.processor.answering import AnsweringRequests
from rtvi_plugins.processor.port import Port, Session
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.stepping import begin
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable["Message | None"]]
"""Gives the next message of the client, decoded; None when there will be no more."""
Answering = Awaitable[None]
"""What is left to be done for a message: a coroutine that has not begun, or anything else that has to wait already."""
Dispatch = Callable[[Any, str, Any], "Answering | None"]
"""`(processor, id, data)`: handle one message; give what is left of it where waiting may be needed."""

_WITHOUT_WAITING: Final = frozenset(
    {ClientType.CLIENT_READY, ClientType.DISCONNECT_BOT, ClientType.LLM_FUNCTION_CALL_RESULT}
)
"""Messages that are handled before the bot is ready."""

_WITHOUT_LIMIT: Final = _WITHOUT_WAITING | {ClientType.UI_CANCEL_JOB_GROUP}
"""Messages that are handled however many requests are running: they make room."""

DEFAULT_LIMITS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "max_actions": 256,
        "max_jobs": 32,
        "max_waiting": 256,
        "ready_timeout": 30.0,
        "option_timeout": 10.0,
        "message_timeout": 10.0,
    }
)


class Readiness:
    """Where the handshake stands.

    pending: the ids of `client-ready` messages that wait for their `bot-ready`.
    """

    __slots__ = ("bot", "is_applying", "is_telling", "pending")

    def __init__(self) -> None:
        self.bot = False
        self.is_applying = False
        self.is_telling = False
        self.pending: list[str] = []


class MessageLoop(AnsweringRequests):
    """One session's messages, and the tasks that handle them."""

    limits: ClassVar[Mapping[str, float]] = DEFAULT_LIMITS
    dispatch: ClassVar[Mapping[str, Dispatch]] = MappingProxyType({})

    __slots__ = (
        "_end_reason", "_ended", "_is_closing", "_leading", "_max_running", "_readiness", "_receive", "_starting",
        "_waiting", "_waiting_timer", "_workers", "session",
    )  # fmt: skip

    def __init__(self, port: Port | None, session: Session | None) -> None:
        super().__init__(port)
        self.session = Session() if session is None else session
        self._readiness = Readiness()
        self._waiting: deque[Message] | None = None
        self._waiting_timer: asyncio.TimerHandle | None = None
        self._max_running = self.limits["max_actions"]
        self._starting: Request | None = None
        self._receive: Receive | None = None
        self._leading: Receive | None = None
        self._workers: set[asyncio.Task[Any]] = set()
        self._ended: asyncio.Future[str] | None = None
        self._end_reason: str | None = None
        self._is_closing = False

    # -- messages in --------------------------------------------------------------------------------------------------

    async def handle_message(self, message: Message) -> None:
        """Handle one decoded message of the client; returns once it is answered, or kept for the bot to be ready.

        Raises nothing but cancellation: what fails is answered or told.
        """
        if (not self._readiness.bot or self._waiting) and self._must_wait(message):
            return
        await self._handle(message)

    async def _handle(self, message: Message) -> None:
        outer = self._starting  # a handler may hand on a message itself: its own request comes first again afterwards
        answering = self._dispatch(message)
        if answering is not None:
            try:
                rest = begin(answering) if answering.__class__ is CoroutineType else answering
                if rest is not None:
                    self._held_up(asyncio.current_task())
                    self._starting, outer = outer, None
                    await rest
            except (Exception, SystemExit):
                logger.exception("handling a message failed")
        if outer is not None:
            self._starting = outer

    def _dispatch(self, message: Message) -> Answering | None:
        """Find what a message asks for. Checks that need no waiting happen here; the rest is returned."""
        self._starting = None
        try:
            if message["label"] != LABEL:
                logger.debug("ignored a message with another label")
                return None
            type_ = message["type"]
            handler = self.dispatch.get(type_)
            id_ = message.get("id")
            data = message.get("data")
        except (TypeError, KeyError, AttributeError):
            self._malformed(message)
            return None
        if id_.__class__ is not str or handler is None or (data is not None and data.__class__ is not dict):
            self._misfit(id_, type_, data)
            return None
        if len(self._running) >= self._max_running and type_ not in _WITHOUT_LIMIT:
            self.refuse(Request(id_), self._no_room())
            return None
        try:
            return handler(self, id_, data)
        except Refusal as refusal:
            self.refuse(Request(id_), refusal)
        except Exception:
            logger.exception("handling %s failed", type_)
            self.refuse(Request(id_), Refusal("Internal error", Code.INTERNAL, Category.INTERNAL))
        return None

    def _malformed(self, message: object) -> None:
        """Tell of a message that is no envelope; a foreign one (no label) is ignored (rtvi-protocol 1, rules 2, 3)."""
        if not isinstance(message, dict):
            self.tell_invalid("expected an object")
        elif message.get("label") == LABEL:
            self._misfit(message.get("id"), message.get("type"), message.get("data"))

    def _misfit(self, id_: object, type_: object, data: object) -> None:
        """Tell what is wrong with an envelope whose parts do not fit: by reply where there is an id to reply to."""
        if not isinstance(type_, str):
            text = "type: expected string"
        elif data is not None and not isinstance(data, dict):
            text = "data: expected object"
        elif id_ is not None and not isinstance(id_, str):
            text = "id: expected string"
        elif type_ not in self.dispatch:
            text = ""
        else:
            text = "id: missing"
        if isinstance(id_, str):
            refusal = (
                Refusal(f"Invalid message: {text}", Code.INVALID_MESSAGE, Category.PROTOCOL)
                if text
                else Refusal(f"Unsupported type {str(type_)[:100]}", Code.UNSUPPORTED_TYPE, Category.PROTOCOL)
            )
            self.refuse(Request(id_), refusal)
        else:
            self.tell_invalid(text or f"unsupported type {str(type_)[:100]}")

    # -- the session's tasks ------------------------------------------------------------------------------------------

    async def run(self, receive: Receive) -> str:
        """Drive the session: take messages from `receive` until it gives None. Returns why the session ended."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        if self._end_reason is not None:
            self._ended.set_result(self._end_reason)
        self._receive = receive
        self._lead(receive)
        try:
            return await self._ended
        finally:
            await self.close()

    def _lead(self, receive: Receive) -> None:
        # Not `spawn`: the task leaves the set itself, which spares each held-up request a callback and its loop turn.
        loop = self._loop or asyncio.get_running_loop()
        self._workers.add(loop.create_task(self._work(receive)))

    async def _work(self, receive: Receive) -> None:  # noqa: C901, PLR0912 - the hot path, written out
        """Read and handle messages until one is held up, or there are no more; then another task has taken over."""
        is_main = receive is self._receive  # the very object: comparing bound methods takes 0.1 us
        state = self._readiness
        task: Any = asyncio.current_task(self._loop)
        is_reading = True
        try:
            while (message := await receive()) is not None:
                if self._is_closing or self._end_reason is not None:
                    return
                self._leading = receive
                # What `handle_message` and `_handle` do, written out: two coroutines less for every message, 0.3 us.
                if is_main and (not state.bot or self._waiting) and self._must_wait(message):
                    answering = None
                else:
                    answering = self._dispatch(message)
                if answering is not None:
                    try:
                        rest = begin(answering) if answering.__class__ is CoroutineType else answering
                        if rest is not None:
                            is_reading = False
                            self._held_up(task)
                            message = answering = None  # what is held up for long must not keep all it came from
                            await rest
                    except (Exception, SystemExit):
                        logger.exception("handling a message failed")
                if self._leading is not receive:
                    return
                self._leading = None
        except asyncio.CancelledError:
            if self._is_closing or self._end_reason is not None or not is_reading:
                raise
            logger.warning(
                "session %s: plugin code cancelled the task that reads; another one goes on", self.session.id
            )
            self._lead(receive)
        except Exception:
            logger.exception("session %s failed", self.session.id)
            self.finish("failed")
        else:
            if is_main:
                self.finish("disconnected")
        finally:
            self._workers.discard(task)

    def _held_up(self, task: asyncio.Task[Any] | None) -> None:
        """Note that the message at hand has to wait: let another task read on; count the request and start its clock.

        task: the current one, in which the request goes on.
        """
        loop = self._loop or asyncio.get_running_loop()
        request = self._starting
        if request is not None:
            self._starting = None
            request.task = task
            self._running.add(request)
            timeout = request.timeout
            if timeout is not None:  # what `start_clock` does, written out
                request.deadline = deadline = loop.time() + timeout
                if self._clock is None or deadline < self._clock_at:
                    self._set_clock(deadline)
        receive = self._leading
        if receive is not None:
            self._leading = None
            self._workers.add(loop.create_task(self._work(receive)))  # what `_lead` does, written out

    def _no_room(self) -> Refusal:
        if self._max_running <= 0:
            return Refusal("The server is shutting down", Code.SHUTTING_DOWN, Category.PROTOCOL)
        text = f"Too many requests at once: {len(self._running)} are running"
        return Refusal(text, Code.BUSY, Category.PROTOCOL)

    # -- waiting for the bot to be ready ------------------------------------------------------------------------------

    def _must_wait(self, message: Message) -> bool:
        """Keep a message until the bot is ready, or refuse it when too many wait. False when it need not wait."""
        if message.__class__ is not dict or message.get("label") != LABEL or message.get("type") in _WITHOUT_WAITING:
            return False
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) >= self.limits["max_waiting"]:
            text = f"The bot is not ready and {len(self._waiting)} messages wait already"
            self._refuse_waiting(message, Refusal(text, Code.BUSY, Category.PROTOCOL))
            return True
        self._waiting.append(message)
        if self._waiting_timer is None and not self._readiness.bot:
            timeout = self.limits["ready_timeout"]
            self._waiting_timer = asyncio.get_running_loop().call_later(timeout, self._stop_waiting)
        return True

    def _refuse_waiting(self, message: Message, refusal: Refusal) -> None:
        id_ = message.get("id")
        if isinstance(id_, str):
            self.refuse(Request(id_), refusal)
        else:
            self.tell_invalid("id: missing")

    def _stop_waiting(self) -> None:
        self._waiting_timer = None
        waiting, self._waiting = self._waiting or (), None
        for message in waiting:
            self._refuse_waiting(message, Refusal("The bot is not ready", Code.NOT_READY, Category.PROTOCOL))

    def release_waiting(self) -> None:
        """Handle what waited, in order, before anything newer."""
        if self._waiting_timer is not None:
            self._waiting_timer.cancel()
            self._waiting_timer = None
        if self._waiting:
            self._lead(self._next_waiting)

    async def _next_waiting(self) -> Message | None:
        if self._waiting:
            return self._waiting.popleft()
        self._waiting = None
        return None

    # -- the end ------------------------------------------------------------------------------------------------------

    def finish(self, reason: str) -> None:
        """Let `run` return. `reason`: disconnected, ended, shutdown or failed."""
        if self._end_reason is None:
            self._end_reason = reason
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    def stop_accepting(self) -> None:
        """Refuse every further request; what runs goes on."""
        self._max_running = 0

    async def wait_idle(self) -> None:
        """Wait until nothing runs for the client."""
        while tasks := self._tasks():
            await asyncio.wait(tasks, timeout=0.1)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine as long as the session lasts; it is cancelled at its end."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    def _tasks(self) -> set[asyncio.Task[Any]]:
        """Give the tasks that run for the client at this moment."""
        return {request.task for request in self._running if request.task is not None}

    def abandon(self, task: asyncio.Task[Any]) -> None:
        """Cancel a task and wait for it no longer; what it raises is dropped. It is cancelled again at the end."""
        task.cancel()
        self._workers.add(task)
        task.add_done_callback(self._drop)

    def _drop(self, task: asyncio.Task[Any]) -> None:
        self._workers.discard(task)
        if not task.cancelled():
            task.exception()

    def must_end(self) -> bool:
        """Whether the CancelledError at hand has to be obeyed.

        It has when the session ends, or when the task is not one of the session's own. Otherwise plugin code cancelled
        the task it found its request in, which concerns that request alone: the cancellation is taken back.
        """
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            return False
        if self._is_closing or task not in self._workers:
            return True
        while task.cancelling():
            task.uncancel()
        return False

    async def close(self) -> None:
        """Cancel everything that runs for this session and wait for it to end. May be called more than once."""
        self._is_closing = True
        for timer in (self._clock, self._waiting_timer):
            if timer is not None:
                timer.cancel()
        self._clock = self._waiting_timer = self._waiting = None
        tasks = self._workers | self._tasks()
        tasks.discard(asyncio.current_task())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
