"""`RTVIProcessor`: one session of a bot.

Three verbs: messages come in (`run`, `handle_message`), decisions are taken here and in the modules beside this one,
messages go out through the port. Each incoming message is handled in the task that read it; when its handler has to
wait, another task goes on reading (see `stepping`). Order is kept per kind: configuration requests one after the other,
actions started in the order they came.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar

from rtvi_plugins.errors import Category, did_you_mean
from rtvi_plugins.processor import (
    actions,
    client_messages,
    configuration,
    conversation,
    functions,
    media,
    readiness,
    repeats,
    tools,
    ui,
)
from rtvi_plugins.processor.port import Detached, Port, Session
from rtvi_plugins.processor.requests import Code, Refusal, Request
from rtvi_plugins.processor.stepping import begin
from rtvi_plugins.processor.tables import RTVIAction, RTVIConfig, RTVIService, Tables
from rtvi_plugins.protocol.frames import (
    Frame,
    FrameDirection,
    RTVIClientMessageFrame,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    RTVIUICommandFrame,
    RTVIUIJobGroupFrame,
)
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message, ServerType, event
from rtvi_plugins.protocol.versions import LEGACY_VERSION, Generation, Version

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable["Message | None"]]
"""Gives the next message of the client, decoded; None when there will be no more."""
EventHandler = Callable[..., Any]
E = TypeVar("E", bound=EventHandler)

EVENTS: Final = frozenset(
    {
        "on_bot_started",
        "on_client_ready",
        "on_client_message",
        "on_ui_message",
        "on_error",
        "on_user_text",
        "on_bot_text",
    }
)
"""Events for `event_handler`; handlers get the processor, and what happened where there is something to tell."""

_WITHOUT_WAITING: Final = frozenset({ClientType.CLIENT_READY, ClientType.DISCONNECT_BOT})
"""Messages that are handled before the bot is ready."""

DEFAULT_LIMITS: Final[Mapping[str, float]] = MappingProxyType(
    {"max_actions": 256, "max_waiting": 256, "ready_timeout": 30.0, "option_timeout": 10.0, "message_timeout": 10.0}
)

Answering = Coroutine[Any, Any, None]
Dispatch = Callable[["RTVIProcessor", str, Any], "Answering | None"]


class RTVIProcessor:
    """One session of a bot: services, actions, events, and the client at the other end.

    config:  values over the defaults of the services registered later; handlers get them before the bot is ready.
    port:    the host; without one, what is sent is kept for the host that `attach`es.
    session: who this session is.

    `tables`, `limits` and `responder` are shared by all sessions of a generated class. Such a class is ready once the
    handlers of `on_client_ready` are done; one made by hand leaves `set_bot_ready` to them, where there are any.
    """

    tables: ClassVar[Tables] = Tables()
    limits: ClassVar[Mapping[str, float]] = DEFAULT_LIMITS
    readies_itself: ClassVar[bool] = False
    announces_changes: ClassVar[bool] = False
    responder: ClassVar[Any] = None

    __slots__ = (
        "_attempts",
        "_calls",
        "_clock",
        "_clock_at",
        "_config",
        "_config_lock",
        "_config_owner",
        "_ended",
        "_events",
        "_held_back",
        "_leading",
        "_locks",
        "_max_running",
        "_port",
        "_readiness",
        "_running",
        "_starting",
        "_tables",
        "_turn",
        "_unanswered",
        "_waiting",
        "_waiting_timer",
        "_workers",
        "generation",
        "session",
        "version",
    )  # fmt: skip

    def __init__(
        self, config: RTVIConfig | None = None, *, port: Port | None = None, session: Session | None = None
    ) -> None:
        self._tables = type(self).tables
        if config is not None and config.config:
            self._tables = configuration.with_config(self._tables, config.as_mapping())
        self._config: Mapping[str, Mapping[str, Any]] | None = None
        self._config_lock: asyncio.Lock | None = None
        self._config_owner: asyncio.Task[Any] | None = None
        self._port: Port = Detached() if port is None else port
        self.session = Session() if session is None else session
        self.version: Version = LEGACY_VERSION
        self.generation = Generation.LEGACY
        self._readiness: readiness.Readiness = readiness.Readiness()
        self._waiting: deque[Message] | None = None
        self._waiting_timer: asyncio.TimerHandle | None = None
        self._max_running = self.limits["max_actions"]
        self._running: set[Request] = set()
        self._clock: asyncio.TimerHandle | None = None
        self._clock_at = 0.0
        self._starting: Request | None = None
        self._leading: Receive | None = None
        self._workers: set[asyncio.Task[Any]] = set()
        self._ended: asyncio.Future[str] | None = None
        self._events: dict[str, list[EventHandler]] | None = None
        self._locks: dict[tuple[str, ...], asyncio.Lock] | None = None
        self._turn: conversation.Turn | None = None
        self._attempts: OrderedDict[str, repeats.Attempt] | None = None
        self._calls: dict[str, functions.FunctionCall] | None = None
        self._held_back: list[str] | None = None
        self._unanswered: client_messages.Unanswered | None = None

    # -- what the bot offers ------------------------------------------------------------------------------------------

    def register_service(self, service: RTVIService) -> None:
        """Add a service to this session, or replace the one of its name."""
        self._tables = self._tables.with_service(service)
        self._config = None if self._config is None else configuration.with_defaults(self._config, service)

    def register_action(self, action: RTVIAction) -> None:
        """Add an action to this session, or replace the one of its name."""
        self._tables = self._tables.with_action(action)

    @property
    def config(self) -> Mapping[str, Mapping[str, Any]]:
        """The current values, service → option → value, secrets included; read only."""
        return self._tables.initial if self._config is None else self._config

    # -- events -------------------------------------------------------------------------------------------------------

    def event_handler(self, name: str) -> Callable[[E], E]:
        """Register the decorated function for an event of `EVENTS`. Raises ValueError for another name."""

        def decorate(handler: E) -> E:
            self.add_event_handler(name, handler)
            return handler

        return decorate

    def add_event_handler(self, name: str, handler: EventHandler) -> None:
        """Register a function, coroutine or plain, for an event. Raises ValueError for a name that is no event."""
        if name not in EVENTS:
            raise ValueError(f"there is no event {name!r}; {did_you_mean(name, EVENTS) or 'see EVENTS'}")
        if self._events is None:
            self._events = {}
        self._events.setdefault(name, []).append(handler)

    def has_event_handler(self, name: str) -> bool:
        """Whether anybody listens to an event."""
        return bool(self._events and self._events.get(name))

    async def fire(self, name: str, *arguments: Any) -> bool:
        """Call the handlers of an event in order. What they raise is logged; False when any raised."""
        fine = True
        for handler in tuple((self._events or {}).get(name, ())):
            try:
                outcome = handler(self, *arguments)
                if inspect.isawaitable(outcome):
                    await outcome
            except Exception:
                fine = False
                logger.exception("handler of %s failed", name)
        return fine

    # -- sending ------------------------------------------------------------------------------------------------------

    def attach(self, port: Port) -> None:
        """Give the processor its host; what was sent before goes out now."""
        before, self._port = self._port, port
        if isinstance(before, Detached):
            for message in before.kept:
                port.send(dict(message))

    @property
    def port(self) -> Port:
        """The host."""
        return self._port

    def send(self, message: Message) -> None:
        """Send one RTVI message as it stands. Raises TypeError when it is not JSON."""
        self._port.send(message)

    async def send_server_message(self, data: Any) -> None:
        """Send `server-message`; `data` is any JSON value. Raises TypeError when it is not JSON."""
        self._port.send({"label": LABEL, "type": ServerType.SERVER_MESSAGE, "data": data})

    async def send_error(self, error: str, fatal: bool = False, *, category: Category = Category.INTERNAL) -> None:
        """Send `error`, with the text under both names that clients read. `fatal` ends the session."""
        self._port.send(
            event(ServerType.ERROR, {"error": error, "message": error, "fatal": fatal, "category": str(category)})
        )
        await self.fire("on_error", error)
        if fatal:
            await self._port.end()

    async def send_server_response(self, client_msg: RTVIClientMessageFrame | str, data: Any = None) -> None:
        """Answer a `client-message` that `on_client_message` was given."""
        client_messages.respond(self, client_msg, data)

    async def send_error_response(self, client_msg: RTVIClientMessageFrame | str, error: str) -> None:
        """Refuse a request, given by its message or its id, with a text for the client."""
        client_messages.respond_error(self, client_msg, error)

    async def _send_error_response(self, id: str, error: str) -> None:  # noqa: A002 - the original API
        await self.send_error_response(id, error)

    def refuse(self, request: Request, refusal: Refusal) -> None:
        """Answer a request with `error-response`, unless it was answered already."""
        if not request.is_answered:
            request.is_answered = True
            if request.attempt is not None:
                request.attempt.settle(self, None, refusal)
            try:
                self._port.send(request.answer_refusal(refusal))
            except TypeError:
                plain = Refusal(refusal.text, refusal.code, refusal.category)
                self._port.send(request.answer_refusal(plain))

    def answer(self, request: Request, message: Message) -> None:
        """Send a request's answer, unless it was answered already. Raises TypeError when it is not JSON."""
        if not request.is_answered:
            self._port.send(message)
            request.is_answered = True

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        """Push a frame: outbound RTVI frames become their one message, every other goes to the host's pipeline."""
        if isinstance(frame, RTVIServerMessageFrame):
            await self.send_server_message(frame.data)
        elif isinstance(frame, RTVIServerResponseFrame):
            if frame.error is None:
                await self.send_server_response(frame.client_msg, frame.data)
            else:
                await self.send_error_response(frame.client_msg, frame.error)
        elif isinstance(frame, RTVIUICommandFrame):
            ui.send_command(self, frame.command, frame.payload)
        elif isinstance(frame, RTVIUIJobGroupFrame):
            ui.send_job_group(self, frame)
        else:
            await self._port.push_frame(frame, direction)

    async def ui_command(self, command: str, payload: Any = None) -> None:
        """Send `ui-command`. Raises ValueError when the payload is not what was declared for the command."""
        ui.check_command(self, command, payload)
        ui.send_command(self, command, payload)

    # -- functions and tools ------------------------------------------------------------------------------------------

    async def call_function(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Have the client execute a declared function; gives its checked result.

        Raises ActionError when it is unknown, its arguments do not fit, or the client does not answer in time or well.
        """
        return await functions.call_function(self, name, dict(arguments or {}))

    async def handle_function_call(
        self,
        function_name: str,
        tool_call_id: str,
        arguments: Any,
        llm: Any = None,  # noqa: ARG002 - the original API; the Pipecat host has a use for it
        context: Any = None,  # noqa: ARG002 - as above
        result_callback: functions.ResultCallback | None = None,
    ) -> None:
        """Announce a function call of an LLM to the client; returns at once.

        The outcome goes to `result_callback` and on as a `FunctionCallResultFrame`; it is `{"error": text}` when the
        client fails.
        """
        await functions.handle_function_call(self, function_name, tool_call_id, arguments, result_callback)

    @property
    def tools(self) -> tuple[tools.Tool, ...]:
        """What an LLM may call: the actions with `tool: true`, and the functions."""
        return tools.of(self)

    async def call_tool(self, name: str, arguments: Mapping[str, Any], tool_call_id: str) -> Any:
        """Run a tool for an LLM, here or at the client, and give its checked result. Raises ActionError."""
        return await tools.call(self, name, dict(arguments), tool_call_id)

    # -- what the application asks for --------------------------------------------------------------------------------

    async def set_client_ready(self) -> None:
        """Take the client for ready, as if its `client-ready` had come."""
        await readiness.client_is_ready(self)

    async def set_bot_ready(self) -> None:
        """Apply the initial configuration and tell the client that the bot is ready; waiting messages follow."""
        await readiness.bot_is_ready(self)

    @property
    def is_bot_ready(self) -> bool:
        """Whether `set_bot_ready` was done."""
        return self._readiness.bot

    async def interrupt_bot(self) -> None:
        """Stop what the bot is saying, here and in the host."""
        conversation.interrupt(self)
        await self._port.interrupt()

    async def run_action(self, service: str, action: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Run one of this bot's own actions, checked like a client's call.

        Returns its result. Raises ActionError with a text for people when it is refused or fails.
        """
        return await actions.run_own(self, service, action, dict(arguments or {}))

    async def set_option(self, service: str, option: str, value: Any) -> None:
        """Change one option, checked like a client's update but free of `client:` and `mutable:`.

        Raises ActionError with a text for people when the value is refused or the handler fails.
        """
        await configuration.set_own(self, {service: {option: value}})

    # -- messages in --------------------------------------------------------------------------------------------------

    async def handle_message(self, message: Message) -> None:
        """Handle one decoded message of the client; returns once it is answered, or kept for the bot to be ready.

        Raises nothing but cancellation: what fails is answered or told.
        """
        if (not self._readiness.bot or self._waiting) and self._must_wait(message):
            return
        await self._handle(message)

    async def _handle(self, message: Message) -> None:
        answering = self._dispatch(message)
        if answering is not None:
            try:
                rest = begin(answering)
                if rest is not None:
                    self._held_up(asyncio.current_task())
                    await rest
            except Exception:
                logger.exception("handling a message failed")

    def _dispatch(self, message: Message) -> Answering | None:
        """Find what a message asks for. Checks that need no waiting happen here; the rest is returned."""
        self._starting = None
        try:
            if message["label"] != LABEL:
                logger.debug("ignored a message with another label")
                return None
            type_ = message["type"]
            handler = DISPATCH.get(type_)
            id_ = message.get("id")
            data = message.get("data")
        except (TypeError, KeyError, AttributeError):
            self._malformed(message)
            return None
        if id_.__class__ is not str or handler is None or (data is not None and data.__class__ is not dict):
            self._misfit(id_, type_, data)
            return None
        if len(self._running) >= self._max_running:
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
        elif type_ not in DISPATCH:
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

    def tell_invalid(self, text: str) -> None:
        """Send the `error` event for something that is no RTVI message and has no id to reply to."""
        text = f"Invalid RTVI transport message: {text}"
        data = {"error": text, "message": text, "fatal": False, "code": Code.INVALID_MESSAGE, "category": "protocol"}
        self._port.send(event(ServerType.ERROR, data))

    # -- the session's tasks ------------------------------------------------------------------------------------------

    async def run(self, receive: Receive) -> str:
        """Drive the session: take messages from `receive` until it gives None. Returns why the session ended."""
        self._ended = asyncio.get_running_loop().create_future()
        self._lead(receive)
        try:
            return await self._ended
        finally:
            await self.close()

    def _lead(self, receive: Receive) -> None:
        # Not `spawn`: the task leaves the set itself, which spares each held-up request a callback and its loop turn.
        self._workers.add(asyncio.get_running_loop().create_task(self._work(receive)))

    async def _work(self, receive: Receive) -> None:
        """Read and handle messages until one is held up, or there are no more; then another task has taken over."""
        is_main = receive != self._next_waiting
        state = self._readiness
        task: Any = asyncio.current_task()
        try:
            while (message := await receive()) is not None:
                self._leading = receive
                # What `handle_message` and `_handle` do, written out: two coroutines less for every message, 0.3 us.
                if is_main and (not state.bot or self._waiting) and self._must_wait(message):
                    answering = None
                else:
                    answering = self._dispatch(message)
                if answering is not None:
                    try:
                        rest = begin(answering)
                        if rest is not None:
                            self._held_up(task)
                            await rest
                    except Exception:
                        logger.exception("handling a message failed")
                if self._leading is not receive:
                    return
                self._leading = None
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
        request = self._starting
        if request is not None:
            self._starting = None
            request.task = task
            self._running.add(request)
            if request.timeout is not None:
                self.start_clock(request, request.timeout)
        receive = self._leading
        if receive is not None:
            self._leading = None
            self._lead(receive)

    def start_clock(self, request: Request, timeout: float) -> None:
        """Answer the request with a time-out and cancel it, unless `untrack` comes first. `timeout` is in seconds."""
        request.timeout = timeout
        request.deadline = deadline = asyncio.get_running_loop().time() + timeout
        if self._clock is None or deadline < self._clock_at:
            self._set_clock(deadline)

    def _set_clock(self, deadline: float) -> None:
        # One timer for the session, at its earliest deadline: one for each request would cost it 1 us and a heap entry.
        if self._clock is not None:
            self._clock.cancel()
        self._clock_at = deadline
        self._clock = asyncio.get_running_loop().call_at(deadline, self._expire_due)

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
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    def stop_accepting(self) -> None:
        """Refuse every further request; what runs goes on."""
        self._max_running = 0

    async def wait_idle(self) -> None:
        """Wait until nothing runs for the client."""
        while self._running or self._turn is not None:
            tasks = {request.task for request in self._running if request.task is not None}
            if self._turn is not None:
                tasks.add(self._turn.task)
            await asyncio.wait(tasks, timeout=0.1)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine as long as the session lasts; it is cancelled at its end."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    async def close(self) -> None:
        """Cancel everything that runs for this session and wait for it to end. May be called more than once."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if self._waiting_timer is not None:
            self._waiting_timer.cancel()
            self._waiting_timer = None
        self._waiting = None
        if self._unanswered is not None:
            self._unanswered.clear()
        if self._calls:
            await functions.end_all(self)
        tasks: set[asyncio.Task[Any]] = set(self._workers)
        if self._turn is not None:
            tasks.add(self._turn.task)
        tasks.discard(asyncio.current_task())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)


def _disconnect(processor: RTVIProcessor, _id: str, _data: Any) -> Answering:
    async def end() -> None:
        processor.finish("ended")
        await processor.port.end()

    return end()


# Keys are plain text: looking them up is quicker than among members of an enum.
DISPATCH: Final[Mapping[str, Dispatch]] = MappingProxyType(
    {
        ClientType.CLIENT_READY.value: readiness.on_client_ready,
        ClientType.DISCONNECT_BOT.value: _disconnect,
        ClientType.ACTION.value: actions.on_action,
        ClientType.DESCRIBE_ACTIONS.value: actions.on_describe_actions,
        ClientType.DESCRIBE_CONFIG.value: configuration.on_describe_config,
        ClientType.GET_CONFIG.value: configuration.on_get_config,
        ClientType.UPDATE_CONFIG.value: configuration.on_update_config,
        ClientType.CLIENT_MESSAGE.value: client_messages.on_client_message,
        ClientType.SEND_TEXT.value: conversation.on_send_text,
        ClientType.APPEND_TO_CONTEXT.value: conversation.on_append_to_context,
        ClientType.LLM_FUNCTION_CALL_RESULT.value: functions.on_result,
        ClientType.UI_EVENT.value: ui.on_ui_event,
        ClientType.UI_SNAPSHOT.value: ui.on_ui_snapshot,
        ClientType.UI_CANCEL_JOB_GROUP.value: ui.on_ui_cancel,
        ClientType.SEND_FILE.value: media.on_send_file,
        ClientType.DTMF.value: media.on_dtmf,
        ClientType.RAW_AUDIO.value: media.on_raw_audio,
        ClientType.RAW_AUDIO_BATCH.value: media.on_raw_audio,
    }
)
"""What each message type does. Each entry is `(processor, id, data)`; `data` is an object or None."""
