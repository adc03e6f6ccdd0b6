"""A plan → the stages, aggregators and pipeline of one session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMAssistantAggregatorParams,
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from rtvi_plugins.errors import Problem, RTVIPluginsError
from rtvi_plugins.hooks.installed import error_text
from rtvi_plugins.manifest.paths import dotted
from rtvi_plugins.pipecat import options
from rtvi_plugins.pipecat.bound import bound_values
from rtvi_plugins.pipecat.order import ASSISTANT, INPUT, LLM, OUTPUT, USER
from rtvi_plugins.pipecat.parts import HTTP, Part
from rtvi_plugins.pipecat.plan import VAD, Plan, StagePlan
from rtvi_plugins.pipecat.slots import fields_of

if TYPE_CHECKING:
    from pipecat.transports.base_transport import BaseTransport

    from rtvi_plugins.binding import Bot
    from rtvi_plugins.pipecat.processor import RTVIProcessor

logger = logging.getLogger(__name__)

_MIN_SECRET: Final = 6
"""Texts that are shorter are not taken out of an error: most are no secrets, and the error must stay readable."""


class BuildError(RTVIPluginsError):
    """A stage could not be made; nothing runs.

    problem: what failed, at the stage's place in the manifest; for the log, not for clients.
    """

    def __init__(self, problem: Problem, cleanups: tuple[Callable[[], Any], ...]) -> None:
        self.problem = problem
        self._cleanups = cleanups
        super().__init__(problem.render())

    async def cleanup(self) -> None:
        """Release what was made before the stage that failed."""
        cleanups, self._cleanups = self._cleanups, ()
        for cleanup in reversed(cleanups):
            try:
                await cleanup()
            except Exception:
                logger.exception("cleaning up after a stage that could not be made")


@dataclass(frozen=True, eq=False, repr=False)
class Built:
    """The pipeline of one session, not started yet.

    pipeline:    ends what was opened for it in its own `cleanup`.
    stages:      the stages by id, the special ones included; `vad` is where the voice activity detector is.
    llm:         the first that answers and calls tools; None where the bot's responder answers, or nobody.
    context:     the conversation; None where nobody answers.
    aggregators: keep the context; None where there is none.
    worker:      keyword arguments for `PipelineWorker`: `params`; `idle_timeout_secs` unless Pipecat's own is meant.
    """

    pipeline: Pipeline
    stages: Mapping[str, FrameProcessor]
    llm: LLMService[Any] | None
    context: LLMContext | None
    aggregators: LLMContextAggregatorPair | None
    worker: Mapping[str, Any]


def build(plan: Plan, bot: Bot, rtvi: RTVIProcessor, transport: BaseTransport) -> Built:
    """Make the pipeline of one session; call it where the event loop of the session runs.

    bot:       its options say what the stages begin with, as far as they are bound.
    rtvi:      is told of the stages and registers its tools on the LLMs. It is not put into the pipeline: hand it to
               `PipelineWorker(rtvi_processor=…)`.
    transport: gives the stages `transport.input` and `transport.output`.
    Raises BuildError when a stage cannot be made; await its `cleanup()`.
    """
    return _Building(plan, bot, rtvi, transport).built()


class _SessionPipeline(Pipeline):
    """A pipeline that ends what was opened for its stages."""

    def __init__(self, processors: list[FrameProcessor], closing: list[Callable[[], Any]]) -> None:
        super().__init__(processors)
        self._closing = closing

    async def cleanup(self) -> None:
        """Clean up the stages, and then what they shared."""
        try:
            await super().cleanup()  # type: ignore[no-untyped-call]
        finally:
            closing, self._closing = self._closing, []
            for close in closing:
                await close()


class _Injected(dict[str, Any]):
    """What parameters are given by the host; an HTTP session is opened when the first stage asks for it."""

    def __init__(self, closing: list[Callable[[], Any]], **given: Any) -> None:
        super().__init__(given)
        self._closing = closing

    def __missing__(self, name: str) -> Any:
        if name != HTTP:
            raise KeyError(name)
        session = self[HTTP] = aiohttp.ClientSession()
        self._closing.append(session.close)
        return session


class _Building:
    """The making of one pipeline."""

    def __init__(self, plan: Plan, bot: Bot, rtvi: RTVIProcessor, transport: BaseTransport) -> None:
        self._plan = plan
        self._rtvi = rtvi
        self._transport = transport
        self._closing: list[Callable[[], Any]] = []
        self._cleanups: list[Callable[[], Any]] = []
        self._injected = _Injected(self._closing, bot=bot, processor=rtvi)
        self._bound = bound_values(bot, rtvi)

    def built(self) -> Built:
        plan = self._plan
        made: dict[str, FrameProcessor] = {}
        llms: list[LLMService[Any]] = []
        for stage in plan.stages:
            if stage.part is not None:
                made[stage.id] = processor = self._stage(stage)
                if isinstance(processor, LLMService):
                    llms.append(processor)
        context: LLMContext | None = None
        aggregators: LLMContextAggregatorPair | None = None
        if any(stage.kind in (USER, ASSISTANT) for stage in plan.stages):
            context = self._context(llms)
            aggregators, analyzer = self._aggregators(context)
            made[USER], made[ASSISTANT] = aggregators.user(), aggregators.assistant()
            if analyzer is not None:
                made[VAD] = made[USER]
                options.note_built(made[USER], self._bound.get(VAD, {}), analyzer)
        made[INPUT], made[OUTPUT] = self._transport.input(), self._transport.output()
        pipeline = _SessionPipeline([made[stage.id] for stage in plan.stages], self._closing)
        stages = MappingProxyType(made)
        self._rtvi.attach_stages(stages, are_all=True)
        self._rtvi.tells_sentences = not plan.speaks
        return Built(pipeline, stages, llms[0] if llms else None, context, aggregators, self._worker())

    def _stage(self, stage: StagePlan) -> FrameProcessor:
        part = stage.part
        assert part is not None  # noqa: S101 - the special ones are the transport's and the context's
        bound = self._bound.get(stage.id, {})
        settings: dict[str, Any] = dict(bound)
        if stage.kind == LLM and self._plan.pipeline.context.system is not None:
            settings.setdefault("system_instruction", self._plan.pipeline.context.system)
        processor = self._make(part, settings)
        if not isinstance(processor, FrameProcessor):
            kind = type(processor).__name__
            raise self._failure(part, f"'{part.use}' made an object of type '{kind}', which is no stage")
        self._cleanups.append(processor.cleanup)
        if part.settings_class is not None and part.takes_settings:
            options.note_built(processor, bound)
        return processor

    def _make(self, part: Part, settings: Mapping[str, Any] = MappingProxyType({})) -> Any:
        try:
            return part.make(self._injected, settings)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # also sys.exit(), and a CancelledError: nobody cancels what does not wait
            logger.debug("stage '%s' cannot be made", part.use, exc_info=error)
            raise self._failure(part, f"'{part.use}' cannot be made: {_without(part, error_text(error))}") from error

    def _failure(self, part: Part, text: str) -> BuildError:
        problem = Problem("bad-stage", text, part.location, dotted(part.path))
        return BuildError(problem, (*self._closing, *self._cleanups))

    def _context(self, llms: list[LLMService[Any]]) -> LLMContext:
        messages: Any = [message.model_dump() for message in self._plan.pipeline.context.messages]
        schemas = [self._rtvi.register_tools(llm) for llm in llms]
        if schemas and schemas[0].standard_tools:
            return LLMContext(messages, tools=schemas[0])
        return LLMContext(messages)

    def _aggregators(self, context: LLMContext) -> tuple[LLMContextAggregatorPair, Any]:
        plan = self._plan
        turns, written = plan.turns, plan.pipeline.turns
        given = _converted(LLMUserAggregatorParams, plan.pipeline.context.user)
        analyzer = None
        if plan.vad is not None:
            analyzer = given["vad_analyzer"] = self._make(plan.vad.with_params(self._bound.get(VAD, {})))
        lists = {name: list(parts) for name in ("start", "stop") if (parts := getattr(turns, name))}
        if turns.strategies is not None:
            chosen = turns.strategies
            given["user_turn_strategies"] = self._make(replace(chosen, arguments={**chosen.arguments, **lists}))
        elif lists:
            made = {name: [self._make(part) for part in parts] for name, parts in lists.items()}
            given["user_turn_strategies"] = UserTurnStrategies(**made)
        elif not plan.hears:  # Pipecat's default loads a model that listens, some 8 MB for each session
            given.setdefault("user_turn_strategies", UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy()]))
        if turns.mute:
            given["user_mute_strategies"] = [self._make(part) for part in turns.mute]
        if written.stop_timeout is not None:
            given["user_turn_stop_timeout"] = written.stop_timeout
        if written.idle_timeout is not None:
            given["user_idle_timeout"] = written.idle_timeout
        assistant = _converted(LLMAssistantAggregatorParams, plan.pipeline.context.assistant)
        pair = LLMContextAggregatorPair(
            context,
            user_params=LLMUserAggregatorParams(**given),
            assistant_params=LLMAssistantAggregatorParams(**assistant),
        )
        self._cleanups += [pair.user().cleanup, pair.assistant().cleanup]
        return pair, analyzer

    def _worker(self) -> Mapping[str, Any]:
        pipeline = self._plan.pipeline
        worker: dict[str, Any] = {
            "params": PipelineParams(
                audio_in_sample_rate=pipeline.audio.input,
                audio_out_sample_rate=pipeline.audio.output,
                enable_metrics=pipeline.metrics,
                enable_usage_metrics=pipeline.metrics,
            )
        }
        if pipeline.idle_timeout == "never" or (pipeline.idle_timeout is None and not self._plan.hears):
            worker["idle_timeout_secs"] = None  # a page that is looked at, or a text bot, is silent for long
        elif pipeline.idle_timeout is not None:
            worker["idle_timeout_secs"] = pipeline.idle_timeout
        return MappingProxyType(worker)


def _converted(model: type, given: Mapping[str, Any]) -> dict[str, Any]:
    fields = fields_of(model).table
    return {name: fields[name].convert(value) for name, value in given.items()}


def _without(part: Part, text: str) -> str:
    """Take what the manifest gives to a part out of a text: it may be secret, and services repeat it."""
    for secret in sorted(part.secrets(), key=len, reverse=True):
        if len(secret) >= _MIN_SECRET:
            text = text.replace(secret, "…")
    return text
