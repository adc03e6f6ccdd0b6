"""`pipeline:` and `bind:`: checked by the host that runs pipelines, which is loaded for manifests that have them.

What runs pipelines is above this layer, and may be absent: it is found by its entry point.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import importlib_metadata

from rtvi_plugins.errors import ActionError, Problem, Severity, quoted
from rtvi_plugins.hooks.installed import error_text
from rtvi_plugins.processor.calling import Apply, store_only
from rtvi_plugins.processor.requests import Code
from rtvi_plugins.processor.tables import NOTHING, RTVIServiceOption, Tables
from rtvi_plugins.schema import MISSING

if TYPE_CHECKING:
    from rtvi_plugins.binding.bot import Bot
    from rtvi_plugins.binding.report import Path, Report
    from rtvi_plugins.hooks.host import PluginHost
    from rtvi_plugins.manifest.model import Option

logger = logging.getLogger(__name__)

GROUP: Final = "rtvi_plugins.hosts"
"""Entry points: a host's name → `check(report, host) -> PipelinePlan`."""
HOST: Final = "pipecat"
NO_PIPELINE: Final = "there is no pipeline to bind to"
PIPELINE: Final = "'pipeline:' in this manifest, or a program that attaches the stages"
"""A program may make the pipeline itself, and attach its stages; nothing else can serve such a bot."""


@dataclass(frozen=True, slots=True)
class BindFault:
    """Why `bind:` leads nowhere; the words of a `Problem`."""

    text: str
    expected: str = ""
    hint: str = ""


class PipelinePlan(Protocol):
    """A checked pipeline, as far as the binding looks at it."""

    @property
    def plugins(self) -> frozenset[str]:
        """Names of the plugins that supply its stages."""
        ...

    def field_schema(self, bind: str) -> Mapping[str, Any] | BindFault | None:
        """Give the JSON Schema of a stage's field, `tts.voice`, or say what is wrong with the name.

        None: it cannot be told, because the stage itself is faulty.
        """
        ...

    def ignored(self, bind: str) -> str:
        """Say that the stage applies no change of a field while it runs; empty where nothing says so."""
        ...

    def check_stages(self, report: Report, bot: Bot) -> None:
        """Have the stages say what only they can know; `bot` is whole, and nothing is wrong with it so far."""
        ...

    def field_value(self, bind: str) -> Any:
        """Give the value that the pipeline sets for a field, or `MISSING`."""
        ...


def check_pipeline(report: Report, host: PluginHost) -> PipelinePlan | None:
    """Have the pipeline of a manifest checked; None when it has none, or when what it says cannot be checked."""
    if report.loaded.manifest.pipeline is None or any(part[:1] == ("pipeline",) for part in report.loaded.omitted):
        return None
    text = "no host runs pipelines here"
    for entry_point in importlib_metadata.entry_points(group=GROUP, name=HOST):
        try:
            check: Callable[[Report, PluginHost], PipelinePlan] = entry_point.load()
        except ImportError as error:
            module = (error.name or "").partition(".")[0]
            if module in ("", "rtvi_plugins"):
                raise
            if error.name != "pipecat":  # it is there, but not as it should be
                text = f"the host of pipelines cannot be imported: {error_text(error)}"
            break
        return check(report, host)
    hint = "pip install 'rtvi-plugins[pipecat]'"
    report.add("missing-host", ("pipeline",), text, expected="Pipecat 1.12 or newer", hint=hint, on_key=True)
    return None


class Binds:
    """The `bind:` keys of one manifest."""

    def __init__(self, report: Report, plan: PipelinePlan | None) -> None:
        self._report = report
        self._plan = plan
        self._taken: dict[str, Path] = {}

    def schema(self, option: Option, path: Path) -> Mapping[str, Any] | None:
        """Give the JSON Schema of the field that an option is bound to, or None; report what leads nowhere."""
        if option.bind is None:
            return None
        here = (*path, "bind")
        if self._report.loaded.manifest.pipeline is None:
            if not self._report.is_omitted("pipeline"):
                self._report.add("missing-host", here, NO_PIPELINE, expected=PIPELINE, severity=Severity.WARNING)
            return None
        if self._plan is None:
            return None
        found = self._plan.field_schema(option.bind)
        if isinstance(found, BindFault):
            self._report.add("bad-bind", here, found.text, expected=found.expected, hint=found.hint)
            return None
        if option.mutable == "live" and (note := self._plan.ignored(option.bind)):
            self._report.add("bad-bind", here, note, expected="'mutable: start'", severity=Severity.WARNING)
        first = self._taken.setdefault(option.bind, here)
        if first is not here:
            place = self._report.loaded.source.locate(first)
            self._report.add("bad-bind", here, f"'{option.bind}' is bound to another option already, at {place}")
        return found

    def default(self, option: Option, path: Path) -> Any:
        """Give an option's default: its own, or else what the pipeline sets for the field; `MISSING` if neither does.

        A pipeline that sets something else than the option begins with contradicts it, which is reported.
        """
        service, name = str(path[1]), str(path[3])
        config = self._report.loaded.manifest.config.get(service, NOTHING)
        own = option.default if option.has_default else MISSING
        if option.bind is None or self._plan is None:
            return own
        value = self._plan.field_value(option.bind)
        begins = config.get(name, own)
        if value is MISSING or begins is MISSING:
            return copy.deepcopy(value) if own is MISSING else own
        if value != begins:
            text = f"the pipeline sets another value for '{option.bind}' than the option begins with"
            self._report.add("bad-bind", (*path, "bind"), text, hint="leave one of the two out")
        return value if own is MISSING else own


def laid_over(field: Mapping[str, Any], keywords: Mapping[str, Any]) -> tuple[dict[str, Any], BindFault | None]:
    """Lay an option's own keywords over the schema of the field that takes its values.

    Returns: the keywords of both, and why they do not go together, if they do not.
    """
    if "type" not in keywords:
        return {**field, **keywords}, None
    own, theirs = types_of(keywords), types_of(field)
    if theirs is not None and (own is None or not own <= theirs):
        declared = keywords["type"]
        text = f"the option is of type {quoted([declared] if isinstance(declared, str) else map(str, declared))}"
        return dict(keywords), BindFault(text, f"{quoted(theirs - _implied(theirs))}, which the stage takes")
    if field.keys() - {"type", "description"}:
        return {**keywords, "allOf": [*keywords.get("allOf", ()), dict(field)]}, None
    return dict(keywords), None


def types_of(schema: Any) -> set[str] | None:
    """Give the types of the values that a schema may take; None for any."""
    if not isinstance(schema, Mapping):
        return None
    if "type" in schema:
        given = schema["type"]
        names = {given} if isinstance(given, str) else set(given)
        names = {{"bool": "boolean"}.get(name, name) for name in names}
        return names | ({"integer"} if "number" in names else set())
    for key in ("anyOf", "oneOf"):
        if key in schema:
            branches = [types_of(branch) for branch in schema[key]]
            return None if None in branches else {name for branch in branches if branch for name in branch}
    return None


def _implied(names: set[str]) -> set[str]:
    return {"integer"} if "number" in names else set()


def _not_restored(error: BaseException) -> ActionError:
    """Return the failure of a handler whose stage could not be given its old value back."""
    text = "the old value of its stage could not be restored"
    return ActionError(f"{error.text}; {text}" if isinstance(error, ActionError) else text, code=Code.ROLLBACK_FAILED)


def bound_apply(service: str, option: RTVIServiceOption) -> Apply:
    """Give what applies a bound option: to its stage, and then by its handler, if it has one.

    When the handler fails, the stage gets its old value back, so that the session is as it was.
    """
    stage, _, field = (option.bind or "").partition(".")
    handler = option.apply

    async def apply(processor: Any, given: Any) -> None:
        await processor.port.apply(stage, field, given.value)
        if handler is store_only:
            return
        try:
            await handler(processor, given)
        except BaseException as error:
            before = processor.values.get(service, NOTHING).get(option.name, MISSING)
            if before is not MISSING:
                try:
                    await processor.port.apply(stage, field, before)
                except ActionError as second:
                    logger.error("going back failed: %s.%s: %s", stage, field, second.text)  # noqa: TRY400 - it is no surprise
                    raise _not_restored(error) from error
            raise

    return apply


def unserved(tables: Tables) -> list[Problem]:
    """Return a problem for each bound option: for hosts that have no stages."""
    return [
        Problem("missing-host", NO_PIPELINE, where=f"services.{name}.options.{option.name}.bind", expected=PIPELINE)
        for name, service in tables.services.items()
        for option in service.named_options.values()
        if option.bind is not None
    ]
