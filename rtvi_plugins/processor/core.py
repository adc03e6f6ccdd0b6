"""`RTVIProcessor`: one session of a bot, with the API that plugins and applications see.

What each message means stands in the modules beside this one, one for each concern; how messages are read, ordered and
timed stands in `dispatching`, `reading` and `loop`. Three verbs: messages come in (`run`, `handle_message`), handlers
do what they ask for, messages go out through the port.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from rtvi_plugins.errors import Category
from rtvi_plugins.jobs.base import Executor
from rtvi_plugins.jobs.group import JobGroup, Worker
from rtvi_plugins.processor import (
    actions,
    client_messages,
    configuration,
    conversation,
    describing,
    functions,
    jobs,
    keeping,
    media,
    readiness,
    repeats,
    starting,
    tools,
    ui,
)
from rtvi_plugins.processor.config import RTVIConfig
from rtvi_plugins.processor.dispatching import Answering, Dispatch
from rtvi_plugins.processor.loop import MessageLoop
from rtvi_plugins.processor.original import pass_over
from rtvi_plugins.processor.port import Detached, Port, Session
from rtvi_plugins.processor.serial import SerialLock
from rtvi_plugins.processor.tables import RTVIAction, RTVIService, Tables
from rtvi_plugins.processor.values import Config
from rtvi_plugins.protocol.frames import (
    Frame,
    FrameDirection,
    RTVIActionFrame,
    RTVIClientMessageFrame,
    RTVIServerMessageFrame,
    RTVIServerResponseFrame,
    RTVIUICommandFrame,
    RTVIUIJobGroupFrame,
)
from rtvi_plugins.protocol.messages import LABEL, ClientType, Message, ServerType, event
from rtvi_plugins.protocol.versions import LEGACY_VERSION, Generation, Version


class RTVIProcessor(MessageLoop):
    """One session of a bot: services, actions, events, and the client at the other end.

    config:  values over the defaults of the services registered later; handlers get them before the bot is ready.
    port:    the host; without one, what is sent is kept for the host that `attach`es.
    session: who this session is.

    Where `hands_on` is set, something in the host's pipeline may answer messages that are declared nowhere.
    `tables`, `limits` and `responder` are shared by all sessions of a generated class. Such a class is ready once the
    handlers of `on_client_ready` are done; one made by hand leaves `set_bot_ready` to them, where there are any.
    """

    tables: ClassVar[Tables] = Tables()
    readies_itself: ClassVar[bool] = False
    announces_changes: ClassVar[bool] = False
    responder: ClassVar[Any] = None
    hands_on: ClassVar[bool] = False
    executor: ClassVar[Executor | None] = None
    lingering: ClassVar[set[asyncio.Task[Any]]] = set()

    __slots__ = (
        "_attempts", "_calls", "_config", "_config_lock", "_config_owner", "_held_back", "_jobs", "_locks", "_tables",
        "_turn", "_turn_lock", "_unanswered", "_unkept", "generation", "version",
    )  # fmt: skip

    def __init__(
        self,
        config: RTVIConfig | None = None,
        *,
        port: Port | None = None,
        session: Session | None = None,
        **strangers: Any,
    ) -> None:
        if strangers:
            pass_over("RTVIProcessor", strangers, ())
        super().__init__(port, session)
        self._tables = type(self).tables
        self._config: Mapping[str, Mapping[str, Any]] | None = None
        self._config_lock: asyncio.Lock | None = None
        self._config_owner: asyncio.Task[Any] | None = None
        self.version: Version = LEGACY_VERSION
        self.generation = Generation.LEGACY
        self._locks: dict[tuple[str, ...], SerialLock] | None = None
        self._turn: conversation.Turn | None = None
        self._turn_lock: asyncio.Lock | None = None
        self._attempts: OrderedDict[str, repeats.Attempt] | None = None
        self._calls: dict[str, functions.FunctionCall] | None = None
        self._jobs: jobs.SessionJobs | None = None
        self._held_back: list[conversation.HeldText] | None = None
        self._unanswered: client_messages.Unanswered | None = None
        self._unkept: list[str] | None = None
        given = {} if config is None else config.as_mapping()
        if values := starting.filled_values(self._tables, self.session.start, over=given):
            values, self._unkept = keeping.hold_initial(self, values)
            self._tables = self._tables.with_config(values)

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
        return Config(self.values)

    @property
    def values(self) -> Mapping[str, Mapping[str, Any]]:
        """The mapping behind `config`; never changed, only replaced."""
        return self._tables.initial if self._config is None else self._config

    @property
    def about(self) -> Mapping[str, Any]:
        """Which software the bot is (`bot-ready`)."""
        return self._tables.about

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """Which media this session takes and gives (`bot-ready`)."""
        return self._tables.capabilities

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

    async def send_error(
        self, error: str, fatal: bool = False, *, category: Category = Category.INTERNAL, code: str | None = None
    ) -> None:
        """Send `error`, with the text under both names that clients read. `fatal` ends the session."""
        self.tell_error(error, fatal=fatal, category=category, code=code)
        await self.fire("on_error", error)
        if fatal:
            await self._port.end()

    def tell_error(
        self, error: str, *, fatal: bool = False, category: Category = Category.INTERNAL, code: str | None = None
    ) -> None:
        """Send `error` and do nothing else; nothing where `set_errors_enabled(False)` was called."""
        if not self.errors_enabled:
            return
        data: dict[str, Any] = {"error": error, "message": error, "fatal": fatal, "category": str(category)}
        if code is not None:
            data["code"] = code
        self._port.send(event(ServerType.ERROR, data))

    def set_errors_enabled(self, enabled: bool) -> None:
        """Set whether the client is sent `error` messages. Refusals of its requests are sent all the same."""
        self.errors_enabled = enabled

    async def send_server_response(self, client_msg: RTVIClientMessageFrame | str, data: Any = None) -> None:
        """Answer a `client-message` that `on_client_message` was given."""
        client_messages.respond(self, client_msg, data)

    async def send_error_response(self, client_msg: RTVIClientMessageFrame | str, error: str) -> None:
        """Refuse a request, given by its message or its id, with a text for the client."""
        client_messages.respond_error(self, client_msg, error)

    async def _send_error_response(self, id: str, error: str) -> None:  # noqa: A002 - the original API
        await self.send_error_response(id, error)

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
            jobs.send_frame(self, frame)
        elif isinstance(frame, RTVIActionFrame):
            self.spawn(actions.run_frame(self, frame))
        else:
            await self._port.push_frame(frame, direction)

    async def ui_command(self, command: str, payload: Any = None) -> None:
        """Send `ui-command`. Raises ValueError when the payload is not what was declared for the command."""
        ui.send_command(self, command, ui.checked_payload(self, command, payload))

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

    async def handle_function_call_start(self, function_name: str, llm: Any = None, context: Any = None) -> None:  # noqa: ARG002 - the original API
        """Tell the client that an LLM begins a function call; `handle_function_call` does so by itself."""
        is_legacy = self.generation is Generation.LEGACY
        type_ = ServerType.LLM_FUNCTION_CALL_START if is_legacy else ServerType.LLM_FUNCTION_CALL_STARTED
        self._port.send(event(type_, {"function_name": function_name}))

    def begins_call(self, tool_call_id: str) -> bool:  # noqa: ARG002 - for hosts that tell of calls by themselves
        """Return whether the client is to be told that a call begins, as it was not told before."""
        return True

    @property
    def tools(self) -> tuple[tools.Tool, ...]:
        """What an LLM may call: the actions with `tool: true`, and the functions."""
        return tools.of(self)

    async def call_tool(self, name: str, arguments: Mapping[str, Any] | None, tool_call_id: str) -> Any:
        """Run a tool for an LLM, here or at the client, and give its checked result. Raises ActionError."""
        return await tools.call(self, name, arguments, tool_call_id)

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

    @property
    def answers_text(self) -> bool:
        """Whether somebody answers `send-text`; a host whose pipeline does says so by overriding this."""
        return self.responder is not None

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

    # -- jobs ---------------------------------------------------------------------------------------------------------

    @property
    def jobs(self) -> jobs.SessionJobs:
        """The long actions of this session."""
        if self._jobs is None:
            self._jobs = jobs.SessionJobs(self, self.executor)
        return self._jobs

    def job_group(
        self,
        *,
        workers: Mapping[str, Worker],
        label: str | None = None,
        cancellable: bool = True,
        deadline: float | None = None,
    ) -> JobGroup:
        """Start workers side by side and show them to the client as one group; `await` it for the results.

        workers:     name → `async (job) -> response`; `await job.update(data)` reports progress.
        cancellable: whether the client may cancel it, and whether it is cancelled when the client leaves.
        deadline:    seconds each worker may take; None: no bound.
        Raises ActionError when too many jobs run or the session has ended, ValueError without workers.
        """
        return self.jobs.start_group(workers=workers, label=label, cancellable=cancellable, deadline=deadline)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _tasks(self) -> set[asyncio.Task[Any]]:
        tasks = super()._tasks()
        if self._turn is not None:
            tasks.add(self._turn.task)
        return tasks

    @property
    def is_busy(self) -> bool:
        """Whether anything runs for the client, jobs included."""
        return super().is_busy or bool(self._unanswered) or bool(self._jobs)

    async def wait_idle(self) -> None:
        """Wait until nothing runs for the client, jobs included."""
        await super().wait_idle()
        while self._unanswered:  # noqa: ASYNC110 - somebody took them on, and answers come from anywhere
            await asyncio.sleep(0.02)
        if self._jobs is not None:
            await self._jobs.wait_idle()

    async def close(self) -> None:
        """Cancel everything that runs for this session and wait for it to end. May be called more than once."""
        self._is_closing = True
        if self._calls:
            await functions.end_all(self)
        if self._jobs is not None:
            await self._jobs.close()
        await super().close()
        if self._unanswered is not None:
            self._unanswered.clear()
        keeping.release_all(self)


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
        ClientType.DESCRIBE_BOT.value: describing.on_describe_bot,
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

RTVIProcessor.dispatch = DISPATCH
