"""`Plan`: a checked pipeline, from which each session of a bot builds its own; immutable, shared by all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.binding.pipelines import BindFault
from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.pipecat import seams
from rtvi_plugins.pipecat.order import LLM, RESPONDER, STT, TTS
from rtvi_plugins.pipecat.parts import Part, params_model, setting_fields
from rtvi_plugins.pipecat.slots import Slot, fields_of, for_option
from rtvi_plugins.schema import MISSING

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.binding.report import Report
    from rtvi_plugins.manifest.pipeline import Pipeline

VAD: Final = "vad"
"""What `bind:` calls the voice activity detector, which is no stage."""


@dataclass(frozen=True, eq=False, repr=False)
class StagePlan:
    """One stage. `part` is None for the special ones: their `kind` is their name."""

    id: str
    kind: str
    part: Part | None


@dataclass(frozen=True, eq=False, repr=False)
class TurnsPlan:
    """The turn strategies: the set, if one was chosen, and the lists."""

    strategies: Part | None
    start: tuple[Part, ...]
    stop: tuple[Part, ...]
    mute: tuple[Part, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """A pipeline that was checked. It holds secrets: it has no text form.

    pipeline:    what the manifest says of context, turns, audio and time limits.
    stages:      in their order.
    plugins:     names of the plugins that supply stages.
    faulty:      ids of stages with problems of their own, so that nothing can be told of their fields.
    is_realtime: the LLM itself hears and speaks.
    """

    pipeline: Pipeline
    stages: tuple[StagePlan, ...]
    vad: Part | None
    turns: TurnsPlan
    plugins: frozenset[str]
    faulty: frozenset[str]
    is_realtime: bool

    def __repr__(self) -> str:
        return f"<Plan of {len(self.stages)} stages>"

    @property
    def hears(self) -> bool:
        """Whether the pipeline takes the user's speech."""
        return self.is_realtime or any(stage.kind == STT for stage in self.stages)

    @property
    def speaks(self) -> bool:
        """Whether the pipeline gives speech."""
        return self.is_realtime or any(stage.kind == TTS for stage in self.stages)

    @property
    def answers(self) -> bool:
        """Whether something answers what the user says."""
        return any(stage.kind in (LLM, RESPONDER) for stage in self.stages)

    def slot(self, bind: str) -> Slot | BindFault | None:
        """Find the field that `bind:` means; None when it cannot be told, because the stage is faulty."""
        stage, dot, field = bind.partition(".")
        if stage in self.faulty:
            return None
        fields = self._fields.get(stage)
        if not dot or not stage or not field:
            return BindFault(f"'{bind}' names no field", "'stage.field', such as 'tts.voice'")
        if fields is None:
            hint = did_you_mean(stage, self._fields)
            return BindFault(f"the pipeline has no stage '{stage}'", "" if hint else quoted(self._fields), hint)
        if not fields:
            return BindFault(f"stage '{stage}' has no settings that could change")
        if field not in fields:
            settings = self._settings_classes.get(stage)
            alias = getattr(settings, "_aliases", {}).get(field)
            hint = f"did you mean '{alias}'?" if alias in fields else did_you_mean(field, fields)
            return BindFault(f"stage '{stage}' has no setting '{field}'", "" if hint else quoted(fields), hint)
        return fields[field]

    def field_schema(self, bind: str) -> Mapping[str, Any] | BindFault | None:
        """Give the JSON Schema of a stage's field, as `PipelinePlan` has it."""
        slot = self.slot(bind)
        return for_option(slot) if isinstance(slot, Slot) else slot

    def ignored(self, bind: str) -> str:
        """Say that a stage applies no change of a field while it runs, as `PipelinePlan` has it."""
        stage, _, field = bind.partition(".")
        part = next((s.part for s in self.stages if s.id == stage), None)
        kind = None if part is None else part.made
        return seams.ignored(stage, field) if kind is not None and seams.says_it_ignores(kind, field) else ""

    def check_stages(self, report: Report, bot: Bot) -> None:
        """Ask the stages that have a `check_stage` what is wrong with what they are given."""
        bound: dict[str, dict[str, Any]] = {}
        for service in bot.tables.services.values():
            for option in service.options:
                stage_id, _, field = (option.bind or "").partition(".")
                bound.setdefault(stage_id, {})[field] = option
        for stage in self.stages:
            if stage.part is not None:
                stage.part.check_stage(report, bot, bound.get(stage.id, {}))

    def field_value(self, bind: str) -> Any:
        """Give what the pipeline sets for a field; `MISSING` when it leaves that to the stage."""
        stage, _, field = bind.partition(".")
        if stage == VAD and self.vad is not None:
            return (self.pipeline.vad.params if self.pipeline.vad else {}).get(field, MISSING)
        part = next((s.part for s in self.stages if s.id == stage), None)
        return MISSING if part is None else part.settings.get(field, MISSING)

    @property
    def _settings_classes(self) -> Mapping[str, type]:
        return {s.id: s.part.settings_class for s in self.stages if s.part is not None and s.part.settings_class}

    @property
    def _fields(self) -> Mapping[str, Mapping[str, Slot]]:
        """What can be bound: stage → field → slot. The special stages have no fields."""
        classes = self._settings_classes
        found = {s.id: setting_fields(classes[s.id]) if s.id in classes else {} for s in self.stages if s.part}
        if self.vad is not None:
            model = params_model(self.vad.target)
            found[VAD] = fields_of(model).table if model is not None else {}
        return MappingProxyType(found)
