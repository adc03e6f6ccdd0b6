"""`RTVIProcessor`: a Pipecat RTVI processor that answers what a manifest declares.

A subclass of the stock processor through its public seams: messages come in through `process_frame` and go out through
`push_transport_message`. What it hears goes to a `PipelineSession`, in a task of its own, so that no handler ever holds
up a frame; what the pipeline's observer reports to the client goes out as it does without this class.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    ErrorFrame,
    InputTransportMessageFrame,
    StartFrame,
    UserStartedSpeakingFrame,
)
from pipecat.frames.frames import Frame as PipecatFrame
from pipecat.processors.frame_processor import FrameDirection as PipecatDirection
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.processors.frameworks.rtvi import RTVIObserverParams, models
from pipecat.processors.frameworks.rtvi import RTVIProcessor as StockProcessor

from rtvi_plugins.errors import Category
from rtvi_plugins.hosting.notices import tell_end
from rtvi_plugins.pipecat import events, tools
from rtvi_plugins.pipecat.answering import is_foreign, may_answer
from rtvi_plugins.pipecat.border import OUTBOUND, RTVIActionFrame, to_direction, to_pipecat
from rtvi_plugins.pipecat.bound import unattached
from rtvi_plugins.pipecat.calls import ToldCalls
from rtvi_plugins.pipecat.inbox import LARGE, Inbox
from rtvi_plugins.pipecat.observer import RTVIObserver, see_to_observer
from rtvi_plugins.pipecat.order import SPECIAL
from rtvi_plugins.pipecat.outgoing import is_known, mended
from rtvi_plugins.pipecat.refusing import refuse_session
from rtvi_plugins.pipecat.session import PipelinePort, PipelineSession
from rtvi_plugins.pipecat.stage_errors import StageErrors
from rtvi_plugins.processor.events import EVENTS
from rtvi_plugins.processor.patience import CLOSE
from rtvi_plugins.processor.port import Session
from rtvi_plugins.protocol.messages import LABEL, Message, ServerType

if TYPE_CHECKING:
    from pipecat.audio.vad.vad_analyzer import VADAnalyzer
    from pydantic import BaseModel

    from rtvi_plugins.binding import Bot
    from rtvi_plugins.pipecat.gate import Farewell
    from rtvi_plugins.processor.config import RTVIConfig
    from rtvi_plugins.processor.functions import ResultCallback

logger = logging.getLogger(__name__)
H = TypeVar("H", bound=Callable[..., Any])

ANSWERS: Final = frozenset({ServerType.SERVER_RESPONSE.value, ServerType.ERROR_RESPONSE.value})
LEAVING_S: Final = 0.5
"""How long a client is given to leave by itself once it was told of the end."""
ENDING_S: Final = 10.0
"""How long a session may take to end once its pipeline has."""


class RTVIProcessor(StockProcessor):
    """The RTVI processor of one pipeline, with the API of the host-neutral one.

    config:  values over the defaults of the services registered later.
    session: who this session is; made up when left out.
    Everything else is what every Pipecat processor takes (`name`, `metrics`).

    Give it to `PipelineWorker(pipeline, rtvi_processor=rtvi)`, or place it in the pipeline by hand.
    """

    bot: ClassVar[Bot | None] = None
    session_class: ClassVar[type[PipelineSession]] = PipelineSession

    def __init__(
        self, config: RTVIConfig | None = None, *, session: Session | None = None, **frame_processor: Any
    ) -> None:
        super().__init__(**frame_processor)
        self.session_processor = self.session_class(self, config, session or Session(uuid.uuid4().hex))
        self.stages: Mapping[str, FrameProcessor] = {}
        self.own_functions: set[str] = set()
        self.unfit_calls: dict[str, str] = {}  # tool calls whose arguments cannot be read, and why
        self.may_stages_answer = True
        self.may_stages_answer_text: bool | None = None
        self.tells_sentences = False  # for its observer
        self.farewell: Farewell | None = None  # closes the connection, where that is a WebSocket of ours
        self._inbox = Inbox(self.session_processor)
        self.let_go: Callable[[Any], None] = _do_nothing
        """Told of a large message once it is taken, for whoever made it to empty it."""
        self.has_observer = False
        self.told_calls = ToldCalls()
        self._stage_errors = StageErrors()
        self._running: asyncio.Task[None] | None = None
        self._refusing: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._registered = events.Registered(self)

    # -- the API of the host-neutral processor ------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        session = self.__dict__.get("session_processor")
        if session is None or name.startswith("_") or not hasattr(type(session), name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(session, name)

    if TYPE_CHECKING:  # found by `__getattr__`, as are the methods of the session that are not named in this class
        config: Mapping[str, Mapping[str, Any]]
        session: Session
        jobs: Any

    @property
    def client_version(self) -> list[int]:
        """The client's protocol version as the observer wants it; 0.3.0 until the client told it."""
        return list(self.session_processor.version)

    async def set_client_ready(self) -> None:
        """Take the client for ready, as if its `client-ready` had come."""
        await self.session_processor.set_client_ready()

    async def set_bot_ready(self, about: Mapping[str, Any] | None = None) -> None:
        """Apply the initial configuration and tell the client that the bot is ready; a second time does nothing.

        about: what `bot-ready` says of the bot to clients of generation 1 and 2, instead of the library.
        """
        if about is not None:
            self.session_processor.about = dict(about)
        await self.session_processor.set_bot_ready()

    async def send_server_message(self, data: Any) -> None:
        """Send `server-message`; `data` is any JSON value. Raises TypeError when it is not JSON."""
        await self.session_processor.send_server_message(data)

    async def send_server_response(self, client_msg: Any, data: Any = None) -> None:
        """Answer a `client-message`: a frame of either kind, what `on_client_message` was given, or an id."""
        await self.session_processor.send_server_response(client_msg, data)

    async def send_error_response(self, client_msg: Any, error: str) -> None:
        """Refuse a request, given like that of `send_server_response`, with a text for the client."""
        await self.session_processor.send_error_response(client_msg, error)

    async def _send_error_response(self, id: str, error: str) -> None:  # noqa: A002 - the original API
        if asyncio.current_task() is self._message_task:  # the stock processor's, whose texts tell of its insides
            logger.error("session %s: message %s: %s", self.session_processor.session.id, id[:100], error)
            error = "The message could not be processed"
        await self.session_processor.send_error_response(id, error)

    async def send_error(
        self, error: str, fatal: bool = False, *, category: Category = Category.INTERNAL, code: str | None = None
    ) -> None:
        """Send `error`; `fatal` ends the session."""
        await self.session_processor.send_error(error, fatal, category=category, code=code)

    async def handle_message(self, message: Any, user_id: str | None = None) -> None:
        """Handle one message as if it came from the client: a mapping, or a model of Pipecat's."""
        given = message if isinstance(message, dict) else message.model_dump(exclude_none=True)
        self._inbox.put(given, user_id)

    async def handle_function_call(
        self,
        function_name: Any = None,
        tool_call_id: str = "",
        arguments: Any = None,
        llm: Any = None,
        context: Any = None,
        result_callback: ResultCallback | None = None,
    ) -> None:
        """Announce a function call of an LLM to the client, who executes it; returns at once.

        Takes the original keywords, or Pipecat's `FunctionCallParams` alone. The outcome goes to `result_callback`, or,
        where there is none, into the pipeline as a `FunctionCallResultFrame`; it is `{"error": text}` when it fails.
        """
        if not isinstance(function_name, str):
            params = function_name
            function_name, tool_call_id, arguments = params.function_name, params.tool_call_id, params.arguments
            llm, context, result_callback = params.llm, params.context, params.result_callback
        await self.session_processor.handle_function_call(
            function_name, tool_call_id, arguments, llm, context, result_callback
        )

    async def handle_function_call_start(self, function_name: str, llm: Any = None, context: Any = None) -> None:
        """Tell the client that an LLM begins a function call; `handle_function_call` does so by itself."""
        await self.session_processor.handle_function_call_start(function_name, llm, context)

    def set_errors_enabled(self, enabled: bool) -> None:
        """Set whether the client is sent `error` messages. Refusals of its requests are sent all the same."""
        self.session_processor.set_errors_enabled(enabled)

    def observer(self) -> RTVIObserver:
        """Make the observer of this processor: `create_rtvi_observer` under its name in Pipecat 0.0.5x to 0.0.6x."""
        return self.create_rtvi_observer()

    # -- events -------------------------------------------------------------------------------------------------------

    def add_event_handler(self, event_name: str, handler: Any) -> None:
        """Register a handler of an RTVI event (`EVENTS`) or of one that every Pipecat processor has."""
        if event_name in EVENTS:
            self._registered.add(event_name, handler)
        else:
            super().add_event_handler(event_name, handler)

    def remove_event_handler(self, event_name: str, handler: Any) -> None:
        """Remove a handler; nothing happens when it is not there."""
        if event_name in EVENTS:
            self._registered.remove(event_name, handler)
        else:
            super().remove_event_handler(event_name, handler)

    # -- stages -------------------------------------------------------------------------------------------------------

    def attach_stages(
        self, stages: Mapping[str, FrameProcessor], *, analyzer: VADAnalyzer | None = None, are_all: bool = False
    ) -> None:
        """Take note of the pipeline's stages, by id, before it runs: `bind:` options and errors refer to them.

        The stages get what their options begin with. A bot with bound options does not start without its stages.

        analyzer: the voice activity detector in the stage `vad`, the user's aggregator; its parameters can be bound.
        are_all:  whether there are no others, and they were built with those values. Where none may answer a message
                  that is declared nowhere, or a text, such a message is refused at once.
        Raises StartupError when an option is bound to what is not there, or its stage does not take its value.
        """
        self.stages = dict(stages)
        if are_all:
            self.may_stages_answer = any(map(is_foreign, stages.values()))
            own = [stage for id_, stage in stages.items() if id_ not in SPECIAL]
            self.may_stages_answer_text = any(map(may_answer, own))
        elif self.bot is not None:
            from rtvi_plugins.pipecat.attaching import give_to_stages  # noqa: PLC0415 - see `apply`

            give_to_stages(self.bot, self, self.stages, analyzer)

    async def apply(self, stage: str, field: str, value: Any) -> None:
        """Set a field of a running stage. Raises ActionError when there is none, or it does not take the value."""
        from rtvi_plugins.pipecat import options  # noqa: PLC0415 - it needs most of Pipecat's services

        await options.apply(self, self.stages.get(stage), field, value)

    def register_tools(self, llm: Any) -> Any:
        """Register the bot's functions and tools on an LLM service; gives the `ToolsSchema` for its context."""
        schema = tools.register(self, llm)
        self.own_functions |= {tool.name for tool in self.session_processor.tools}
        return schema

    def create_rtvi_observer(self, *, params: RTVIObserverParams | None = None, **kwargs: Any) -> RTVIObserver:
        """Make the observer that tells the client of what happens in the pipeline.

        Function calls of `register_tools` are told by this processor, with what the client needs to execute them.
        """
        self.has_observer = True
        return RTVIObserver(self, params=params, **kwargs)

    # -- frames -------------------------------------------------------------------------------------------------------

    async def push_frame(self, frame: Any, direction: Any = PipecatDirection.DOWNSTREAM) -> None:
        """Push a frame of either kind into the pipeline; RTVI messages are kept until it runs."""
        given = to_pipecat(frame)
        if self._running is None and isinstance(given, OUTBOUND):
            await self.session_processor.push_frame(given)
        else:
            await super().push_frame(given, to_direction(direction))

    async def process_frame(self, frame: PipecatFrame, direction: PipecatDirection) -> None:
        """Take messages for the session, tell the client of errors, and leave the rest to the stock processor."""
        if isinstance(frame, (InputTransportMessageFrame, UserStartedSpeakingFrame)):
            self._stage_errors.renew()
        if isinstance(frame, UserStartedSpeakingFrame):
            self.note_sound()
        if isinstance(frame, InputTransportMessageFrame):
            await FrameProcessor.process_frame(self, frame, direction)
            if self._inbox.put(frame.message, getattr(frame, "participant_id", None)) >= LARGE:
                self.let_go(frame.message)
        elif isinstance(frame, ErrorFrame):
            await FrameProcessor.process_frame(self, frame, direction)
            self._stage_errors.tell(self.session_processor, self.stages, frame)
            await self.push_frame(frame, direction)
        elif isinstance(frame, RTVIActionFrame):
            await FrameProcessor.process_frame(self, frame, direction)
            await self.session_processor.push_frame(frame)
        else:
            await super().process_frame(frame, direction)
            if isinstance(frame, StartFrame):
                self._start_session()
            elif isinstance(frame, (CancelFrame, EndFrame)):
                self.session_processor.finish("ended" if isinstance(frame, EndFrame) else "disconnected")

    def _start_session(self) -> None:
        if self._running is not None or self._refusing is not None:
            return
        see_to_observer(self)
        from rtvi_plugins.pipecat.llm_answers import watch_all  # noqa: PLC0415 - see `apply`

        watch_all(self, self.pipeline_worker.pipeline)
        self.session_processor.attach(PipelinePort(self))
        missing = unattached(self.bot, self.stages)
        if missing:
            self._refusing = self.create_task(refuse_session(self, self._inbox.get, missing), "refusal")
        else:
            self._running = self.create_task(self._run_session(), "session")

    async def _run_session(self) -> None:
        session, bot = self.session_processor, self.bot
        if bot is None:
            await session.fire("on_bot_started")
        else:
            await bot.session_started(session)
        reason = "failed"
        try:
            reason = await session.run(self._inbox.get)
            if reason in CLOSE:
                tell_end(session, reason)
                # Until then it may read why, and leave by itself.
                self._leaving = asyncio.get_running_loop().call_later(LEAVING_S, self._hang_up, reason)
        finally:
            if bot is not None:
                await bot.session_ended(session, reason)

    def _hang_up(self, reason: str) -> None:
        """End the connection and the pipeline of a client that was given up."""
        if self.farewell is not None:
            self.create_task(self.farewell.say(*CLOSE[reason]), "farewell")
        self.create_task(self.pipeline_worker.cancel(reason=CLOSE[reason][1]), "hang up")

    async def cleanup(self) -> None:
        """End the session: what runs is cancelled, plugins release what it held."""
        self.session_processor.finish("disconnected")
        if self._leaving is not None:
            self._leaving.cancel()
        if self._refusing is not None:
            await self.cancel_task(self._refusing)
        running, self._running = self._running, None
        if running is not None:
            await asyncio.wait({running}, timeout=ENDING_S)
            await self.cancel_task(running)
        else:
            await self.session_processor.close()
        await super().cleanup()  # type: ignore[no-untyped-call]

    def note_sound(self) -> None:
        """Take note that the client is heard: it has come in, and is there."""
        session = self.session_processor
        if not session.is_heard:
            session.note_sound()

    # -- to the client ------------------------------------------------------------------------------------------------

    async def push_transport_message(self, model: BaseModel, exclude_none: bool = True) -> None:
        """Send what the stock processor or the observer has for the client, unless it was told already."""
        try:
            message = mended(model.model_dump(mode="json", exclude_none=exclude_none))
            for told in () if message is None else self.told_calls.observer_tells(message):
                if self._is_wanted(told):
                    self._to_client(told)
        except Exception:  # what a stage made up must not end the observer, which would never tell anything again
            logger.exception("session %s: a %s cannot be sent", self.session_processor.session.id, type(model).__name__)

    def _is_wanted(self, message: Message) -> bool:
        type_, session = message["type"], self.session_processor
        if type_ in ANSWERS:
            return session.note_answer(str(message.get("id")))
        return is_known(type_, session.version)

    def _to_client(self, message: Message) -> None:
        port = self.session_processor.port
        if isinstance(port, PipelinePort):
            port.pass_on(message)
        else:
            port.send(message)

    async def handle_stock(self, type_: str, id_: str, data: Any) -> None:
        """Give a message that was checked to the stock processor."""
        message = models.Message(label=LABEL, type=type_, id=id_, data=data)
        sender = self._inbox.sender_of(id_)
        if sender is None:
            await super().handle_message(message)
        else:
            await super().handle_message(message, sender)  # only transports of Pipecat 1.14 and later tell


def processor_for(bot: Bot) -> type[RTVIProcessor]:
    """Generate the processor class of a bound bot; each pipeline gets an instance of its own."""
    core = bot.processor_class
    session_class = type(core.__name__, (PipelineSession, core), {"__slots__": (), "__doc__": core.__doc__})
    return type(core.__name__, (RTVIProcessor,), {"bot": bot, "session_class": session_class, "__doc__": core.__doc__})


def _do_nothing(_message: Any) -> None:
    """Leave a message as it is: others may hold it."""
