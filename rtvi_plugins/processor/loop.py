"""The message loop of a session: waiting for the bot, running, ending.

How messages are read and handled stands in `reading`. What comes too early waits in order; what takes too long is
answered and cancelled; what is left is cancelled at the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from pydantic import BaseModel

from rtvi_plugins.errors import Category
from rtvi_plugins.processor.dispatching import WITHOUT_WAITING
from rtvi_plugins.processor.memory import (
    COUNTED,
    WAITING,
    Allowance,
    Hold,
    NoRoomError,
    compact,
    of_kept,
    of_messages,
    read,
    size_when_read,
)
from rtvi_plugins.processor.patience import CLOSE, Watch, await_client, watch_for
from rtvi_plugins.processor.port import Port, Session
from rtvi_plugins.processor.reading import ReadingMessages, Receive, Waiting
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.threads import ThreadShare
from rtvi_plugins.protocol import wire
from rtvi_plugins.protocol.messages import Message, NotJSONError

logger = logging.getLogger(__name__)

DEFAULT_LIMITS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "max_message_bytes": 1_114_112,
        "max_actions": 256,
        "max_jobs": 32,
        "max_threads": 8,
        "max_threads_total": 32,
        "max_waiting": 256,
        "max_waiting_bytes": 8 * 1024 * 1024,
        "max_waiting_bytes_total": 128 * 1024 * 1024,
        "max_kept_bytes": 8 * 1024 * 1024,
        "max_kept_bytes_total": 256 * 1024 * 1024,
        "max_outgoing_bytes": 32 * 1024 * 1024,
        "max_outgoing_bytes_total": 256 * 1024 * 1024,
        "ready_timeout": 30.0,
        "option_timeout": 8.0,
        "message_timeout": 8.0,
    }
)


class MessageLoop(ReadingMessages):
    """One session's messages, and the tasks that handle them."""

    limits: ClassVar[Mapping[str, float]] = DEFAULT_LIMITS

    __slots__ = (
        "_coming",
        "_end_reason",
        "_ended",
        "_handled_bytes",
        "_is_closing",
        "_kept",
        "_threads",
        "_waiting_bytes",
        "_waiting_timer",
        "_watch",
        "value_holds",
    )

    def __init__(self, port: Port | None, session: Session | None) -> None:
        super().__init__(port, session or Session(), self.limits["max_actions"])
        self._coming: asyncio.TimerHandle | None = None
        self._watch: Watch | None = None
        self._waiting_timer: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[str] | None = None
        self._end_reason: str | None = None
        self._is_closing = False
        self._threads: ThreadShare | None = None
        self._waiting_bytes: Allowance | None = None
        self._handled_bytes: Allowance | None = None
        self._kept: Allowance | None = None
        self.value_holds: dict[tuple[str, str], Hold] | None = None

    async def handle_message(self, message: Message | BaseModel) -> None:
        """Handle one decoded message of the client; returns once it is answered, or kept for the bot to be ready.

        message: a mapping, or a model with the same fields (`compat.RTVIMessage`).
        Raises nothing but cancellation: what fails is answered or told.
        """
        if isinstance(message, BaseModel):
            message = message.model_dump(exclude_none=True)
        if self._must_wait(message):
            return
        await self._handle(message)

    # -- the session's tasks ------------------------------------------------------------------------------------------

    async def run(self, receive: Receive) -> str:
        """Drive the session: take messages from `receive` until it gives None. Returns why the session ended."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        if self._end_reason is not None:
            self._ended.set_result(self._end_reason)
        self._receive = receive
        self._coming = None if self._readiness.client else await_client(self, self._loop)
        self._watch = watch_for(self, self._loop)
        self._lead(receive)
        try:
            return await self._ended
        finally:
            await self.close()

    # -- waiting for the bot to be ready ------------------------------------------------------------------------------

    def _must_wait(self, message: Message) -> bool:
        """Keep a message until the bot is ready, or refuse it when too many wait. False when it need not wait."""
        if self._readiness.bot and not self._waiting:
            return False
        if not self.is_well_formed(message) or message["type"] in WITHOUT_WAITING:
            return False  # what is malformed is refused at once: waiting would change nothing
        if self._waiting is None:
            self._waiting = deque()
        id_: str = message["id"]
        if len(self._waiting) >= self.limits["max_waiting"]:
            self._refuse_waiting(id_, f"The bot is not ready and {len(self._waiting)} messages wait already")
            return True
        try:
            text = compact(wire.encode(message))
        except NotJSONError:  # from code that hands on a message itself
            self.refuse(Request(id_), Refusal("Invalid message: not JSON", Code.INVALID_MESSAGE, Category.PROTOCOL))
            return True
        self.arriving = None  # counted as what waits from now on
        hold = self.waiting_bytes.hold(len(text) + len(id_))
        if hold is None:
            self._refuse_waiting(id_, f"The bot is not ready and {self.waiting_bytes.used} bytes wait already")
            return True
        self._waiting.append(Waiting(id_, text, hold))
        if self._waiting_timer is None and not self._readiness.bot:
            timeout = self.limits["ready_timeout"]
            self._waiting_timer = asyncio.get_running_loop().call_later(timeout, self._stop_waiting)
        return True

    def _refuse_waiting(self, id_: str, text: str) -> None:
        self.refuse(Request(id_), Refusal(text, Code.BUSY, Category.PROTOCOL))

    def _stop_waiting(self) -> None:
        self._waiting_timer = None
        waiting, self._waiting = self._waiting or (), None
        for message in waiting:
            self.refuse(Request(message.id), Refusal("The bot is not ready", Code.NOT_READY, Category.PROTOCOL))

    def release_waiting(self) -> None:
        """Handle what waited, in order, before anything newer."""
        if self._waiting_timer is not None:
            self._waiting_timer.cancel()
            self._waiting_timer = None
        if self._waiting:
            self._lead(self._next_waiting)

    async def _next_waiting(self) -> Message | None:
        self.arriving = None
        while self._waiting:
            message = self._waiting.popleft()
            if self.hold_taken(message.text, message.hold):
                return read(message.text)  # type: ignore[no-any-return]
            self._refuse_waiting(message.id, NoRoomError.TEXT)
        self._waiting = None
        return None

    # -- the end ------------------------------------------------------------------------------------------------------

    def has_come_in(self) -> bool:
        """Return whether the client has come in: it said so, or uses a bot that the application declared ready."""
        if self.is_heard and self._readiness.bot:
            self.note_client()
        return self._readiness.client

    def note_client(self) -> None:
        """Take note that the client has come in."""
        self._readiness.client = True
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def was_heard(self) -> bool:
        """Return whether the client was heard since this was last asked."""
        self.has_come_in()
        was_heard, self.is_heard = self.is_heard, False
        return was_heard

    def note_sound(self) -> None:
        """Take note that the client is heard, which is as good as a message: it has come in, and is there."""
        self.is_heard = True
        self.note_client()

    @property
    def is_busy(self) -> bool:
        """Whether anything runs for the client."""
        return bool(self._tasks())

    def give_up(self, reason: str, code: str) -> None:
        """End the session, and tell its client why. `reason`: one of `patience`."""
        self.tell_error(CLOSE[reason][1].capitalize(), fatal=True, category=Category.PROTOCOL, code=code)
        self.finish(reason)

    def tell_error(
        self, error: str, *, fatal: bool = False, category: Category = Category.INTERNAL, code: str | None = None
    ) -> None:
        """Send `error` and do nothing else."""
        raise NotImplementedError

    def finish(self, reason: str) -> None:
        """Let `run` return. `reason`: disconnected, ended, shutdown, failed, not-ready or idle."""
        self._is_over = self._is_heedful = True
        if self._end_reason is None:
            self._end_reason = reason
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    def stop_accepting(self) -> None:
        """Refuse every further request; what runs goes on."""
        self._max_running = 0
        self._is_heedful = True

    async def wait_idle(self) -> None:
        """Wait until nothing runs for the client."""
        while tasks := self._tasks():
            await asyncio.wait(tasks, timeout=0.1)

    @property
    def waiting_bytes(self) -> Allowance:
        """The bytes of this session's messages that wait, as JSON text: to be read, or for the bot."""
        if self._waiting_bytes is None:
            self._waiting_bytes = of_messages({**DEFAULT_LIMITS, **self.limits}, "max_waiting_bytes", WAITING)
        return self._waiting_bytes

    @property
    def handled_bytes(self) -> Allowance:
        """The bytes of this session's messages that are handled, as the objects that were read."""
        if self._handled_bytes is None:
            self._handled_bytes = of_messages({**DEFAULT_LIMITS, **self.limits}, "max_waiting_bytes", WAITING)
        return self._handled_bytes

    @property
    def kept_bytes(self) -> Allowance:
        """The bytes that are kept for this session's client."""
        if self._kept is None:
            self._kept = of_kept({**DEFAULT_LIMITS, **self.limits})
        return self._kept

    def hold_arriving(self, text: bytes) -> bool:
        """Count a message that is about to be handled, as long as it is; False when it has to be refused."""
        self.arriving = self.handled_bytes.hold(size_when_read(text))
        return self.arriving is not None

    def hold_taken(self, text: bytes, hold: Hold) -> bool:
        """Count a message that waited as text, and is read now; False when it has to be refused."""
        if len(text) <= COUNTED:
            self.arriving = hold
            return True
        hold.release()
        return self.hold_arriving(text)

    @property
    def thread_share(self) -> ThreadShare:
        """What this session has of the threads in which plain `def` handlers run."""
        if self._threads is None:
            limits = {**DEFAULT_LIMITS, **self.limits}
            most, total = int(limits["max_threads"]), int(limits["max_threads_total"])
            self._threads = ThreadShare(self.session.id, most, total)
        return self._threads

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

    def must_end(self, expected: int = 0) -> bool:
        """Whether the CancelledError at hand has to be obeyed.

        It has when the session ends, or when the task is not one of the session's own. Otherwise plugin code cancelled
        the task it found its request in, which concerns that request alone: the cancellation is taken back.

        expected: how often the session itself cancelled the task, because the request's time was up.
        """
        task = asyncio.current_task()
        if task is None or task.cancelling() <= expected:
            return False
        if self._is_closing or task not in self._workers:
            return True
        while task.cancelling() > expected:
            task.uncancel()
        return False

    async def close(self) -> None:
        """Cancel everything that runs for this session and wait for it to end. May be called more than once."""
        self._is_closing = self._is_over = self._is_heedful = True
        if self._watch is not None:
            self._watch.discard(self)
        for timer in (self._clock, self._waiting_timer, self._coming):
            if timer is not None:
                timer.cancel()
        self._clock = self._coming = self._waiting_timer = self._waiting = self.arriving = None
        tasks = self._workers | self._tasks()
        tasks.discard(asyncio.current_task())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
