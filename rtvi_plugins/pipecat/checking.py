"""`pipeline:` of a manifest → a `Plan`, or every reason why there is none, each at its place in the file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from pipecat.audio.vad.vad_analyzer import VADAnalyzer
from pipecat.processors.aggregators.llm_response_universal import (
    LLMAssistantAggregatorParams,
    LLMUserAggregatorParams,
)
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import SegmentedSTTService, STTService
from pipecat.services.tts_service import TTSService
from pipecat.turns.user_mute import BaseUserMuteStrategy
from pipecat.turns.user_start import BaseUserTurnStartStrategy
from pipecat.turns.user_stop import BaseUserTurnStopStrategy

from rtvi_plugins.manifest.pipeline import Part as PartChoice
from rtvi_plugins.manifest.pipeline import Stage
from rtvi_plugins.pipecat import names
from rtvi_plugins.pipecat.fitting import Fitting
from rtvi_plugins.pipecat.order import (
    ASSISTANT,
    INPUT,
    LLM,
    OUTPUT,
    PROCESSOR,
    RESPONDER,
    SPECIAL,
    STT,
    TTS,
    USER,
    disorders,
)
from rtvi_plugins.pipecat.parts import Part, setting_fields
from rtvi_plugins.pipecat.plan import VAD, Plan, StagePlan, TurnsPlan
from rtvi_plugins.pipecat.responding import ResponderStage

if TYPE_CHECKING:
    from rtvi_plugins.binding.report import Path, Report
    from rtvi_plugins.hooks.host import PluginHost

_KINDS: Final[Mapping[str, type]] = {STT: STTService, LLM: LLMService, TTS: TTSService}
_STRATEGIES: Final[Mapping[str, type]] = {
    "start": BaseUserTurnStartStrategy,
    "stop": BaseUserTurnStopStrategy,
    "mute": BaseUserMuteStrategy,
}
_REALTIME: Final = ("realtime", "gemini_live", "nova_sonic", "voice_live", "ultravox")
"""Parts of the names of Pipecat's packages for LLMs that hear and speak themselves."""
_ROOT: Final[Path] = ("pipeline",)

USER_ELSEWHERE: Final[Mapping[str, str]] = {
    "vad_analyzer": "pipeline.vad",
    "user_turn_strategies": "pipeline.turns",
    "user_mute_strategies": "pipeline.turns.mute",
    "user_turn_stop_timeout": "pipeline.turns.stop_timeout",
    "user_idle_timeout": "pipeline.turns.idle_timeout",
}
"""Fields of Pipecat's parameters of the user's aggregator that have a key of their own."""


def check_pipeline(report: Report, host: PluginHost) -> Plan:
    """Check the pipeline of a manifest; the plan is of use for a session only when nothing was reported.

    Never raises for the sake of a manifest, a plugin, or what a service does when it is imported.
    """
    return _Checking(report, host).plan()


class _Checking:
    """The check of one pipeline."""

    def __init__(self, report: Report, host: PluginHost) -> None:
        pipeline = report.loaded.manifest.pipeline
        assert pipeline is not None  # noqa: S101 - the binding asks for manifests that have one
        self._pipeline = pipeline
        self._report = report
        self._supplied = host.stages()
        self._fitting = Fitting(report)
        self._plugins: set[str] = set()
        self._faulty: set[str] = set()
        self._is_realtime = False

    def plan(self) -> Plan:
        pipeline = self._pipeline
        if pipeline.stages is None:
            stages = list(self._short_form())
        else:
            for key in (STT, LLM, TTS):
                if getattr(pipeline, key) is not None:
                    text = f"'{key}' stands beside 'stages', which lists every stage"
                    self._report.add("bad-order", (*_ROOT, key), text, hint="leave one of the two out", on_key=True)
            stages = [
                found
                for index, stage in enumerate(pipeline.stages)
                if (found := self._stage(stage, None, (*_ROOT, "stages", index))) is not None
            ]
            if not self._faulty:
                for disorder in disorders([(stage.id, stage.kind) for stage in stages]):
                    path = (*_ROOT, "stages") if disorder.index is None else (*_ROOT, "stages", disorder.index)
                    self._report.add("bad-order", path, disorder.text, expected=disorder.expected)
        vad = self._vad(stages)
        turns = self._turns()
        self._context(stages)
        faulty = frozenset(self._faulty)
        return Plan(self._pipeline, tuple(stages), vad, turns, frozenset(self._plugins), faulty, self._is_realtime)

    # -- stages -------------------------------------------------------------------------------------------------------

    def _short_form(self) -> Iterator[StagePlan]:
        pipeline = self._pipeline
        written = {key: stage for key in (STT, LLM, TTS) if (stage := getattr(pipeline, key)) is not None}
        given = {key: self._stage(stage, key, (*_ROOT, key)) for key, stage in written.items()}
        responder = self._report.loaded.manifest.runtime.responder
        if pipeline.llm is None and responder is not None:
            given[LLM] = self._responder(_ROOT)
        ids = [stage.id for stage in given.values() if stage is not None]
        for key, stage in written.items():
            if stage.id is not None and ids.count(stage.id) > 1:
                text = f"'{stage.id}' is the id of two stages"
                self._report.add("bad-order", (*_ROOT, key, "id"), text, expected="an 'id:' of its own")
        listens = LLM in given or STT in given
        yield StagePlan(INPUT, INPUT, None)
        if found := given.get(STT):
            yield found
        if listens:
            yield StagePlan(USER, USER, None)
        if found := given.get(LLM):
            yield found
        if found := given.get(TTS):
            yield found
        yield StagePlan(OUTPUT, OUTPUT, None)
        if listens:
            yield StagePlan(ASSISTANT, ASSISTANT, None)

    def _stage(self, stage: Stage, key: str | None, path: Path) -> StagePlan | None:
        """Check one stage. `key`: where it stands in the short form; None for an entry of `stages`."""
        if key is None and stage.use in SPECIAL:
            self._check_special(stage, path)
            return StagePlan(stage.use, stage.use, None)
        if stage.use == RESPONDER and key in (None, LLM) and RESPONDER not in self._supplied:
            return self._responder(path, stage)
        supplied = {name: factory for name, (_, factory) in self._supplied.items()}
        services = names.all_services() if key is None else names.short_names(key)
        known = {name: service.path for name, service in services.items()} | supplied
        special = dict.fromkeys((*SPECIAL, RESPONDER) if key is None else (RESPONDER,) if key == LLM else ())
        target = self._fitting.target(stage.use, special | known, path, names.elsewhere(key or ""))
        if target is None:
            self._faulty.add(stage.id or key or stage.use)
            return None
        if stage.use in supplied:
            self._plugins.add(self._supplied[stage.use][0].name)
        part = self._fitting.check(
            target,
            stage.use,
            path,
            args=stage.args,
            params=stage.params,
            settings=stage.settings,
            is_plugin=stage.use in supplied,
            prefix=_prefix(target),
        )
        kind = self._kind(part, key, path)
        default = key or (kind if kind in _KINDS else stage.use.rpartition(":")[2])
        return StagePlan(stage.id or default, kind, part)

    def _check_special(self, stage: Stage, path: Path) -> None:
        for name in ("args", "params", "settings", "id"):
            if getattr(stage, name):
                text = f"'{stage.use}' takes no {name}"
                self._report.add("bad-stage", (*path, name), text, on_key=True)

    def _responder(self, path: Path, stage: Stage | None = None) -> StagePlan | None:
        """Plan the stage that answers with the bot's responder."""
        if self._report.loaded.manifest.runtime.responder is None:
            text = "the stage 'responder' answers with the bot's responder, and there is none"
            self._report.add("missing-key", path, text, expected="'runtime.responder'")
            return None
        args = {} if stage is None else stage.args
        params, settings = ({}, {}) if stage is None else (stage.params, stage.settings)
        part = self._fitting.check(
            ResponderStage, RESPONDER, path, args=args, params=params, settings=settings, is_plugin=True
        )
        return StagePlan((stage.id if stage else None) or RESPONDER, RESPONDER, part)

    def _kind(self, part: Part, key: str | None, path: Path) -> str:
        """Tell what kind of stage a part makes, and report one that is of the wrong kind."""
        if part.made is None:  # a plugin's function that does not say what it makes
            return key or PROCESSOR
        kind = next((kind for kind, base in _KINDS.items() if issubclass(part.made, base)), PROCESSOR)
        if not issubclass(part.made, FrameProcessor):
            text = f"'{part.made.__name__}' is no stage"
            self._report.add("bad-stage", path, text, expected="a FrameProcessor of Pipecat")
        elif key is not None and kind != key and (kind != PROCESSOR or not self._supplied.get(part.use)):
            text = f"'{part.made.__name__}' is no service for '{key}'"
            hint = f"write it under '{kind}:'" if kind in _KINDS else "list it under 'stages:'"
            self._report.add("bad-stage", path, text, expected=_KINDS[key].__name__, hint=hint)
        elif inspect.isabstract(part.made):
            text = f"'{part.made.__name__}' is abstract"
            self._report.add("bad-stage", path, text, expected="a class made from it")
        if kind == LLM and any(word in part.made.__module__ for word in _REALTIME):
            self._is_realtime = True
        return key or kind

    # -- around the stages --------------------------------------------------------------------------------------------

    def _part(self, choice: PartChoice, known: Mapping[str, str], path: Path, base: type) -> Part | None:
        """Check what is no stage. `base`: what it must be."""
        target: Callable[..., Any] | None = self._fitting.target(choice.use, known, path)
        if target is None:
            return None
        part = self._fitting.check(target, choice.use, path, args=choice.args, params=choice.params)
        if part.made is not None and not issubclass(part.made, base):
            text = f"'{part.made.__name__}' does not fit here"
            self._report.add("bad-stage", path, text, expected=f"a {base.__name__} of Pipecat")
        return part

    def _vad(self, stages: list[StagePlan]) -> Part | None:
        choice = self._pipeline.vad
        path = (*_ROOT, "vad")
        if choice is None and self._pipeline.stages is None and self._pipeline.stt is not None:
            choice = PartChoice(use="silero")
        made = [stage.part.made for stage in stages if stage.part is not None and stage.part.made is not None]
        if choice is None or choice.use == "none":
            segmented = next((kind for kind in made if issubclass(kind, SegmentedSTTService)), None)
            if segmented is not None and not any(issubclass(kind, VADProcessor) for kind in made):
                text = f"'{segmented.__name__}' hears nothing without a voice activity detector"
                self._report.add(
                    "bad-order", path, text, expected="'vad: silero', or another", on_key=choice is not None
                )
            return None
        if not any(stage.kind == USER for stage in stages):
            text = "the voice activity detector works in 'context.user', and there is none"
            self._report.add("bad-order", path, text, on_key=True)
        part = self._part(choice, names.ANALYZERS, path, VADAnalyzer)
        if part is None:
            self._faulty.add(VAD)
        elif any(stage.id == VAD for stage in stages):
            text = "'vad' is the id of a stage as well, so that 'bind:' could mean either"
            self._report.add("bad-order", path, text, hint="give that stage another 'id:'", on_key=True)
        return part

    def _turns(self) -> TurnsPlan:
        turns = self._pipeline.turns
        path = (*_ROOT, "turns")
        chosen: Part | None = None
        if turns.use is not None:
            target = self._fitting.target(turns.use, names.strategies("turns"), path)
            if target is not None:
                chosen = self._fitting.check(target, turns.use, path, args=turns.args)
                for name in ("start", "stop"):
                    if getattr(turns, name) and name not in inspect.signature(target).parameters:
                        text = f"the set '{turns.use}' brings its own"
                        self._report.add("bad-stage", (*path, name), text, hint="leave one of the two out", on_key=True)
        elif turns.args:
            self._report.add("bad-stage", (*path, "args"), "there is no set to give them to", expected="'use:'")
        lists = {
            name: tuple(
                part
                for index, choice in enumerate(getattr(turns, name))
                if (part := self._part(choice, names.strategies(name), (*path, name, index), base)) is not None
            )
            for name, base in _STRATEGIES.items()
        }
        return TurnsPlan(chosen, **lists)

    def _context(self, stages: list[StagePlan]) -> None:
        context = self._pipeline.context
        path = (*_ROOT, "context")
        user = self._fitting.values(LLMUserAggregatorParams, context.user, (*path, "user"), USER_ELSEWHERE)
        assistant = self._fitting.values(LLMAssistantAggregatorParams, context.assistant, (*path, "assistant"))
        context = context.model_copy(update={"user": user, "assistant": assistant})
        self._pipeline = self._pipeline.model_copy(update={"context": context})
        if context.system is None:
            return
        llms = [stage for stage in stages if stage.kind == LLM and stage.part is not None]
        here = (*path, "system")
        if not llms and not self._faulty:
            self._report.add("bad-stage", here, "no LLM reads it", hint="leave it out", on_key=True)
        for stage in llms:
            part = stage.part
            fields = setting_fields(part.settings_class) if part is not None and part.settings_class else {}
            if "system_instruction" not in fields:
                self._report.add("bad-stage", here, f"stage '{stage.id}' takes no system instruction", on_key=True)
            elif part is not None and "system_instruction" in part.settings:
                text = f"stage '{stage.id}' has a 'system_instruction' of its own"
                self._report.add("bad-stage", here, text, hint="leave one of the two out", on_key=True)


def _prefix(target: object) -> str:
    """Give what the environment variables of a service begin with, as far as Pipecat's list knows."""
    if not isinstance(target, type):
        return ""
    path = f"{target.__module__}:{target.__name__}"
    return next((service.prefix for service in names.all_services().values() if service.path == path), "")
