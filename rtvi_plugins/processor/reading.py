"""Reading: each message of a client is handled, in its turn, up to where its handler first has to wait.

Most are done by then, in the task that reads. One that has to wait keeps that task, and another one reads on (see
`stepping`). What comes next will probably have to wait, too, and is given a task of its own at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any, Final, NamedTuple

from rtvi_plugins.interrupts import pass_on
from rtvi_plugins.processor.dispatching import DispatchingMessages
from rtvi_plugins.processor.ending import not_foreseen
from rtvi_plugins.processor.memory import Hold
from rtvi_plugins.processor.port import Port, Session
from rtvi_plugins.processor.requests import ACTION_RESPONSE, SERVER_RESPONSE, Refusal, Request, answer_of
from rtvi_plugins.processor.running import (
    answer,
    answer_plain,
    checked,
    fail,
    hold_up,
    run_started,
    unfit,
)
from rtvi_plugins.processor.stepping import begin, new_stepping
from rtvi_plugins.protocol.messages import LABEL, REQUESTS, ClientType, Message, NotJSONError

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable["Message | None"]]
"""Gives the next message of the client, decoded; None when there will be no more."""
_MOST_NOT_BEGUN: Final = 64
"""Messages that are read before the first of them is begun."""


# At hand: looking a member up in its enum takes twice as long as comparing with it.
_ACTION: Final = ClientType.ACTION.value
_CLIENT_MESSAGE: Final = ClientType.CLIENT_MESSAGE.value
_IN_TURN: Final = frozenset(REQUESTS - {ClientType.ACTION})


def _may_be_apart(message: Message) -> bool:
    """Whether a message may be given a task at once: an action, or what the application answers.

    The others, a change of the configuration for one, are followed by what relies on them.
    """
    try:
        type_ = message["type"]
        return type_ == _ACTION or (type_ == _CLIENT_MESSAGE and message["data"]["t"] not in _IN_TURN)
    except (TypeError, KeyError):
        return False


class Waiting(NamedTuple):
    """A message that waits for the bot to be ready, as JSON text."""

    id: str
    text: bytes
    hold: Hold


class Readiness:
    """Where the handshake stands.

    client:  whether the client said that it is ready, or the application did for it.
    pending: the ids of `client-ready` messages that wait for their `bot-ready`.
    """

    __slots__ = ("bot", "client", "is_applying", "is_telling", "pending")

    def __init__(self) -> None:
        self.bot = self.client = False
        self.is_applying = False
        self.is_telling = False
        self.pending: list[str] = []


class ReadingMessages(DispatchingMessages):
    """Reads and handles. `MessageLoop` knows which messages wait for the bot, and what the end of a session means.

    _readers:      the tasks that read, and what they read from; two, as long as messages wait for the bot.
    came_at:       when the client came, by the event loop's clock, where that was before the session began.
    is_heard:      a message came since this was last set to False; hosts that carry audio set it, too.
    arriving:      the bytes of the message that was received last, if they are counted; whoever keeps it takes them.
    _is_heedful:   something of the following, or a handshake that is not over, has to be looked at before a message.
    _is_over:      nothing more is handled.
    _is_spreading: each message gets a task of its own; _not_begun, _begun: how many of these are still to begin, did.
    """

    __slots__ = (
        "_begun", "_is_heedful", "_is_over", "_is_spreading", "_not_begun", "_readers", "_readiness", "_receive",
        "_waiting", "_workers", "arriving", "came_at", "is_heard", "session",
    )  # fmt: skip

    def __init__(self, port: Port | None, session: Session, max_running: float) -> None:
        super().__init__(port, max_running)
        self.session = session
        self.is_heard = False
        self.came_at: float | None = None
        self._readiness = Readiness()
        self._waiting: deque[Waiting] | None = None
        self.arriving: Hold | None = None
        self._receive: Receive | None = None
        self._readers: dict[asyncio.Task[Any] | None, Receive] = {}
        self._workers: set[asyncio.Task[Any]] = set()
        self._is_over = self._is_spreading = False
        self._is_heedful = True
        self._not_begun = self._begun = 0

    def _must_wait(self, message: Message) -> bool:
        """Keep a message until the bot is ready, or refuse it when too many wait. False when it need not wait."""
        raise NotImplementedError

    def finish(self, reason: str) -> None:
        """End the session."""
        raise NotImplementedError

    # -- one message --------------------------------------------------------------------------------------------------

    async def _handle(self, message: Message) -> None:
        outer = self._starting  # a handler may hand on a message itself: its own request comes first again afterwards
        answering = self._dispatch(message)
        if answering is not None:
            try:
                rest = self._begin(answering)
                if rest is not None:
                    self._held_up(asyncio.current_task())
                    self._starting, outer = outer, None
                    await rest
            except BaseException as error:
                pass_on(error)
                logger.exception("handling a message failed")
        if outer is not None:
            self._starting = outer

    # -- one after the other ------------------------------------------------------------------------------------------

    def _lead(self, receive: Receive) -> None:
        # Not `spawn`: the task leaves the set itself, which spares each held-up request a callback and its loop turn.
        loop = self._loop or asyncio.get_running_loop()
        self._workers.add(loop.create_task(self._work(receive)))

    async def _work(self, receive: Receive) -> None:  # noqa: C901, PLR0912, PLR0915 - the hot path, written out
        """Read and handle messages until one is held up, or there are no more; then another task has taken over."""
        is_main = receive is self._receive  # the very object: comparing bound methods takes 0.1 us
        dispatch, running, readers = self._handlers, self._running, self._readers
        task: Any = asyncio.current_task(self._loop)
        readers[task] = receive
        steps: Any = None
        step: Any = None
        rest: Any
        hold: Hold | None = None
        done: list[Any] = []
        is_reading = True
        try:
            # Not with a condition at its head: before Python 3.12, such a loop is not optimised while it runs.
            while True:
                message = answering = data = result = None  # what may be large must not outlive its message
                message = await receive()
                if message is None:
                    await self._until_begun()
                    break
                self.is_heard = True
                if self._is_heedful:
                    # Not what waited for the bot: of the two tasks that read then, the other one must not overtake it.
                    is_apart = self._is_spreading and is_main and _may_be_apart(message)
                    if not is_apart:
                        await self._until_begun()
                    if self._is_over:
                        return
                    if is_main and (not self._readiness.bot or self._waiting) and self._must_wait(message):
                        continue
                    if is_apart:
                        self._handle_apart(message)
                        message = None
                        if self._not_begun >= _MOST_NOT_BEGUN:
                            await asyncio.sleep(0)
                        continue
                    is_ready = self._readiness.bot and not self._waiting and self._max_running > 0
                    self._is_heedful = self._is_spreading or not is_ready
                # What `handle_message`, `_handle`, `start_call`, `answer` and, for what is as it should be, `_dispatch`
                # do, written out: three coroutines and some calls less for every message.
                try:
                    handler = dispatch[message["type"]]
                    id_, data = message["id"], message["data"]
                    if message["label"] != LABEL or id_.__class__ is not str or data.__class__ is not dict:
                        raise KeyError  # noqa: TRY301 - to where all the rest is told
                except (TypeError, KeyError, AttributeError):
                    answering = self._dispatch(message)
                else:
                    if (running or self._is_heedful) and len(running) >= self._max_running:
                        answering = self._dispatch(message)
                    else:
                        self._starting = None
                        try:
                            answering = handler(self, id_, data)
                        except BaseException as error:  # noqa: BLE001 - the client is told of every one
                            self.refuse(Request(id_), not_foreseen(error, message["type"]))
                            continue
                if answering is None:
                    continue
                if answering.__class__ is tuple:
                    try:
                        action, id_, t, is_short, data = answering
                        are_valid, typed, check = action.are_valid, action.typed, action.check_result
                        try:
                            is_fit = are_valid(data)
                        except ValueError:
                            is_fit = False
                        if not is_fit:
                            self.refuse(Request(id_, t, is_short), unfit(action, data))
                            continue
                        for name in action.integers:
                            if data.get(name).__class__ is float:
                                data = {**data, name: int(data[name])}
                        if action.has_defaults:
                            data = action.arguments.with_defaults(data)
                        if step is None:
                            steps, done = new_stepping()
                            step = steps.send
                        try:
                            handling = action.invoke(self, data) if typed is None else typed(self, **data)
                            awaited = step(handling) if handling.__class__ is CoroutineType else None
                        except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
                            step = None
                            fail(self, Request(id_, t, is_short), action, error)
                            continue
                        if awaited is done:
                            result = done[0]
                            done[0] = None
                            try:
                                if check is None or check(result):
                                    if is_short:
                                        data = {"t": t, "d": result}
                                        self._port.send(
                                            {"label": LABEL, "type": SERVER_RESPONSE, "id": id_, "data": data}
                                        )
                                    elif t is None:
                                        data = {"result": result}
                                        self._port.send(
                                            {"label": LABEL, "type": ACTION_RESPONSE, "id": id_, "data": data}
                                        )
                                    else:
                                        self._port.send(answer_of(id_, t, is_short, result))
                                    continue
                            except (NotJSONError, ValueError):
                                pass  # perhaps it has a JSON form
                            answer_plain(self, Request(id_, t, is_short), action, result)
                            continue
                        if handling.__class__ is CoroutineType:
                            done.clear()
                            answering = hold_up(self, answering, steps, awaited)
                            steps = step = None
                        else:
                            answering = run_started(self, answering, handling)
                        handling = awaited = None  # type: ignore[assignment] # what is held up must not be kept twice
                    except BaseException as error:  # noqa: BLE001 - nobody is left without an answer
                        self.refuse(Request(id_, t, is_short), not_foreseen(error, action.action))
                        continue
                try:
                    rest = begin(answering) if answering.__class__ is CoroutineType else answering
                    if rest is not None:
                        is_reading = False
                        self._held_up(task)
                        message = answering = data = None  # nor all it came from
                        hold, self.arriving = self.arriving, None
                        await rest
                        if hold is not None:
                            hold.release()
                except BaseException as error:
                    pass_on(error)
                    logger.exception("handling a message failed")
                if task not in readers:
                    return
        except asyncio.CancelledError:
            if self._is_over or not is_reading:
                raise
            logger.warning(
                "session %s: plugin code cancelled the task that reads; another one goes on", self.session.id
            )
            self._lead(receive)
        except BaseException as error:
            self.finish("failed")  # whatever it is: without a reader, nobody would hear that the client has gone
            pass_on(error)
            logger.exception("session %s failed", self.session.id)
        else:
            if is_main:
                self.finish("disconnected")
        finally:
            self._workers.discard(task)
            readers.pop(task, None)

    def _handle_apart(self, message: Message) -> None:
        """Handle a message in a task of its own, and yet in its turn: tasks begin in the order they are made in."""
        self._not_begun += 1
        loop = self._loop or asyncio.get_running_loop()
        hold, self.arriving = self.arriving, None
        self._workers.add(loop.create_task(self._work_apart(message, hold)))

    async def _until_begun(self) -> None:
        while self._not_begun:  # noqa: ASYNC110 - they begin in the next turn of the event loop
            await asyncio.sleep(0)

    async def _work_apart(  # noqa: C901 - the hot path, written out
        self,
        message: Message | None,
        hold: Hold | None,  # noqa: ARG002 - it counts as long as this call lasts
    ) -> None:
        self._not_begun -= 1
        self._begun = begun = self._begun + 1
        task: Any = asyncio.current_task(self._loop)
        try:
            if self._is_over:
                return
            answering: Any = self._dispatch(message)  # type: ignore[arg-type] # it is None only below
            message = None  # what is held up must not keep all it came from
            if answering.__class__ is tuple:
                # It will have to wait: what `start_call` and `run` do, written out.
                action, id_, t, is_short, arguments = answering
                request = Request(id_, t, is_short)
                try:
                    arguments = checked(action, arguments)
                    typed = action.typed
                    handling = action.invoke(self, arguments) if typed is None else typed(self, **arguments)
                    request.timeout = action.timeout
                    self._track(request, task)
                    answering = arguments = None
                    result = await handling
                except Refusal as refusal:
                    self.refuse(request, refusal)
                except BaseException as error:  # noqa: BLE001 - raised again unless it is the handler's own
                    fail(self, request, action, error)
                else:
                    answer(self, request, action, result)
                finally:
                    self._running.discard(request)
                    if request.is_expired:
                        self.untrack(request)
            elif answering is not None:
                rest = self._begin(answering)
                if rest is not None:
                    answering = None
                    self._held_up(task)
                    await rest
            # Nothing was begun meanwhile, so it was done at once, or there is nothing else to do.
            if self._begun == begun and not self._not_begun:
                self._is_spreading = False
        except BaseException as error:
            pass_on(error)
            logger.exception("handling a message failed")
        finally:
            self._workers.discard(task)

    def _held_up(self, task: asyncio.Task[Any] | None) -> None:
        """Note that the message at hand has to wait: let another task read on.

        task: the current one, in which the request goes on.

        What comes next gets a task at once, so that many messages need one turn of the event loop and not one each,
        until one of them was done without waiting.
        """
        request = self._starting
        if request is not None:
            self._starting = None
            self._track(request, task)
        receive = self._readers.pop(task, None)
        if receive is not None:
            self._is_spreading = self._is_heedful = True
            self._lead(receive)
