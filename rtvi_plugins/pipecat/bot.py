"""A bot's sessions on Pipecat: one pipeline each, and the `bot()` that Pipecat's runner and Pipecat Cloud call.

`bot = bot_from_manifest("bot.yaml")` in a `bot.py` is all that they need.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from pipecat.frames.frames import LLMConfigureOutputFrame, OutputTransportMessageUrgentFrame
from pipecat.pipeline.worker import PipelineWorker
from pipecat.transports.base_transport import BaseTransport
from pipecat.workers.runner import WorkerRunner

from rtvi_plugins.binding import Bot
from rtvi_plugins.hosting import remaining, succession
from rtvi_plugins.hosting.access import Start
from rtvi_plugins.hosting.admission import STOPPING, Denied, as_config, read_start
from rtvi_plugins.pipecat.beginning import be_ready_when_begun, watch_beginning
from rtvi_plugins.pipecat.building import BuildError, build
from rtvi_plugins.pipecat.gate import Arrival, arrival
from rtvi_plugins.pipecat.processor import processor_for
from rtvi_plugins.pipecat.refusing import FAILED, make_refusal, refusal
from rtvi_plugins.pipecat.transports import is_telephone, make_transport, sent_with
from rtvi_plugins.processor.port import Session

if TYPE_CHECKING:
    from rtvi_plugins.pipecat.plan import Plan
    from rtvi_plugins.pipecat.processor import RTVIProcessor
    from rtvi_plugins.pipecat.serializing import Serializer
    from rtvi_plugins.pipecat.session import PipelineSession

logger = logging.getLogger(__name__)

Values = Mapping[str, Mapping[str, Any]]
BotFunction = Callable[[Any], Awaitable[None]]
"""What Pipecat's runner calls for each session, with its `RunnerArguments`."""

LEAVING_S: Final = 0.5
"""How long clients are given to leave by themselves once they were told of the end."""
CLOSING_S: Final = 5.0
"""How long pipelines are given to end after that."""


def make_worker(
    bot: Bot,
    transport: BaseTransport,
    *,
    session: Session | None = None,
    config: Values = MappingProxyType({}),
    body: Any = None,
    **worker: Any,
) -> PipelineWorker:
    """Make the pipeline of one session, with the bot's processor (`worker.rtvi`); a `WorkerRunner` runs it.

    transport: any of Pipecat's; when its client disconnects, the worker is cancelled.
    session:   who the session is; made up when left out.
    config:    values that it begins with, service → option → value, checked before (`/start`).
    body:      what its client sent with its start (`runner_args.body`): a `config`, and what is `session.start`.
    worker:    further keywords of `PipelineWorker`, over those of the manifest.
    Raises BuildError when a stage cannot be made, whose `cleanup()` is to be awaited; ValueError without `pipeline:`;
    Denied, with a text for the client, when `body` is not what the bot declares.
    """
    if bot.pipeline is None:
        raise ValueError(f"the manifest of {bot.name} has no 'pipeline:'")
    if body is not None:
        session = session or Session(uuid.uuid4().hex)
        start = read_start(bot, Start(session.caller.name, config), {"body": body})
        config, session = start.config, Session(session.id, session.caller, start.data)
    rtvi = processor_for(bot)(as_config(config), session=session)
    plan = cast("Plan", bot.pipeline)  # Pipecat's own check has made it
    built = build(plan, bot, rtvi, transport)
    made = PipelineWorker(built.pipeline, rtvi_processor=rtvi, **{**built.worker, **worker})

    async def on_client_disconnected(*_: Any) -> None:
        await made.cancel(reason="the client has left")

    transport.add_event_handler("on_client_disconnected", on_client_disconnected)
    if not plan.speaks:

        async def on_pipeline_started(*_: Any) -> None:
            # Nothing is spoken: what the bot says goes to the client as it comes, instead of waiting for its sound.
            await made.queue_frame(LLMConfigureOutputFrame(skip_tts=True))

        made.add_event_handler("on_pipeline_started", on_pipeline_started)
    return made


class Sessions:
    """The sessions of one bot in this process; its length says how many run.

    is_restarting: whether another process takes over once these are stopped.
    """

    def __init__(self, bot: Bot, is_restarting: Callable[[], bool] = lambda: False) -> None:
        self._bot = bot
        self._is_restarting = is_restarting
        self._workers: dict[asyncio.Task[Any], PipelineWorker] = {}
        self._processors: dict[asyncio.Task[Any], PipelineSession] = {}
        self._is_stopping = False
        self._is_warned = False

    def __len__(self) -> int:
        return len(self._processors)

    async def serve(self, runner_args: Any) -> None:
        """Run one session to its end. A client for which there is none is told why."""
        arrived = arrival.get()
        if arrived is not None and arrived.start.data and not getattr(runner_args, "body", None):
            runner_args.body = json.loads(arrived.start.data)  # kept from the runner; some transports have a use for it
        try:
            transport, serializer = await make_transport(self._bot, runner_args)
        except Exception as error:  # noqa: BLE001 - whatever Pipecat raises, it is the end of this client only
            await self._turn_away(runner_args, error)
            return
        try:
            worker = self._make(runner_args, transport)
        except Denied as denied:
            worker = make_refusal(transport, denied.text)
        except BuildError as error:
            logger.error("no session: %s", error)  # noqa: TRY400 - it says where in the manifest
            await error.cleanup()
            worker = make_refusal(transport, FAILED)
        except Exception:
            logger.exception("no session")
            worker = make_refusal(transport, FAILED)
        else:
            processor = cast("RTVIProcessor", worker.rtvi).session_processor
            if serializer is not None:
                serializer.session = processor
                processor.rtvi.let_go = serializer.let_go
            watch_beginning(worker, partial(_tell_directly, runner_args, serializer))
            if is_telephone(runner_args):
                be_ready_when_begun(worker, processor)
            await self._run(worker, runner_args, processor)
            return
        await self._run(worker, runner_args)

    def _make(self, runner_args: Any, transport: BaseTransport) -> PipelineWorker:
        arrived = arrival.get()
        if arrived is None:
            self._warn_unguarded()
            arrived = Arrival()
        if self._is_stopping:
            raise Denied(503, STOPPING)
        most = self._bot.manifest.runtime.limits.max_sessions
        if len(self) >= most:
            raise Denied(503, f"All {most} sessions are taken")
        start = read_start(self._bot, arrived.start, {"body": sent_with(runner_args)})
        session = Session(getattr(runner_args, "session_id", None) or uuid.uuid4().hex, arrived.caller, start.data)
        return make_worker(self._bot, transport, session=session, config=start.config)

    async def _run(self, worker: PipelineWorker, runner_args: Any, processor: PipelineSession | None = None) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a coroutine
        self._workers[task] = worker
        if processor is not None:
            self._processors[task] = processor
        try:
            runner = WorkerRunner(
                handle_sigint=getattr(runner_args, "handle_sigint", False),
                handle_sigterm=getattr(runner_args, "handle_sigterm", False),
            )
            await runner.add_workers(worker)
            await runner.run()
        finally:
            del self._workers[task]
            self._processors.pop(task, None)

    async def _turn_away(self, runner_args: Any, error: Exception) -> None:
        """End the connection of a client with whom no transport can be had."""
        if isinstance(error, ValueError):
            logger.warning("no session: %s", error)
        else:
            logger.error("no session", exc_info=error)
        websocket = getattr(runner_args, "websocket", None)
        if websocket is not None:
            try:
                await websocket.close(1008 if isinstance(error, ValueError) else 1011)
            except RuntimeError as closed:
                logger.debug("it has left already: %s", closed)

    def _warn_unguarded(self) -> None:
        runtime = self._bot.manifest.runtime
        if not self._is_warned and (runtime.auth or runtime.origins or runtime.hosts):
            self._is_warned = True
            text = "%s: runtime.auth, origins and hosts hold under 'rtvi run' only; here, whoever runs bot() lets in"
            logger.warning(text, self._bot.name)

    async def stop(self) -> None:
        """Refuse new sessions, let what runs end within `stop_timeout`, tell the clients, end the pipelines."""
        self._is_stopping = True
        workers = dict(self._workers)
        processors = list(self._processors.values())
        for processor in processors:
            processor.stop_accepting()
        try:
            async with asyncio.timeout(self._bot.manifest.runtime.limits.stop_timeout):
                await asyncio.gather(*(processor.wait_idle() for processor in processors))
        except TimeoutError:
            names = remaining.in_words(remaining.of_loop(asyncio.get_running_loop()))
            logger.warning(
                "%s: some actions were still running and are cancelled: %s", self._bot.name, names or "no handler"
            )
        for processor in processors:
            if self._is_restarting():
                succession.tell(processor)
            else:
                processor.tell_error(STOPPING, fatal=True)
        if workers:
            await asyncio.wait(workers, timeout=LEAVING_S)
        for task, worker in workers.items():
            if not task.done():
                await worker.cancel(reason="the server is shutting down")
        if workers:
            await asyncio.wait(workers, timeout=CLOSING_S)


async def _tell_directly(runner_args: Any, serializer: Serializer | None) -> None:
    """Tell a WebSocket client past the pipeline that there is no session for it."""
    websocket = getattr(runner_args, "websocket", None)
    if websocket is None or serializer is None:
        return
    try:
        said = await serializer.serialize(OutputTransportMessageUrgentFrame(message=refusal(FAILED)))
        await (websocket.send_text if isinstance(said, str) else websocket.send_bytes)(said)
    except (RuntimeError, OSError) as error:
        logger.debug("it has left already: %s", error)


def bot_from_manifest(
    path: str | Path,
    *,
    plugins: Mapping[str, object] = MappingProxyType({}),
    environ: Mapping[str, str] | None = None,
) -> BotFunction:
    """Load a manifest with `pipeline:`, now, and give the `bot(runner_args)` that serves it.

    path, plugins, environ: as for `Bot.load`.
    The body of a start may carry a `config` and start data, as it may on every host.
    Raises StartupError with every problem, ValueError without `pipeline:`.
    """
    loaded = Bot.load(path, plugins=plugins, environ=environ)
    if loaded.pipeline is None:
        raise ValueError(f"{path} has no 'pipeline:'")
    sessions = Sessions(loaded)

    async def bot(runner_args: Any) -> None:
        await sessions.serve(runner_args)

    return bot
