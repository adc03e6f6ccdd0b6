"""One `use:` with what it is given: checked against what the class takes, and made anew for each session."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.binding.responding import place_in
from rtvi_plugins.errors import Location
from rtvi_plugins.hooks.contracts import StageCheck
from rtvi_plugins.hooks.installed import error_text
from rtvi_plugins.hooks.startup import StartInterrupted, at_work
from rtvi_plugins.pipecat.slots import Slot, Slots, fields_of, model_in, parameters_of

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot
    from rtvi_plugins.binding.report import Path, Report

HTTP: Final = "aiohttp_session"
INJECTED: Final = frozenset({"bot", "processor", HTTP})
"""Parameters that no manifest gives: the bot, the session's RTVI processor, a shared `aiohttp.ClientSession`."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """How one object is made. It holds secrets: it has no text form, and is not shown to anybody.

    path:      where the manifest has it; `location` is the place in the file.
    slots:     what `target` can be given.
    target:    the class, or the function that makes the object.
    made:      the class of what is made; None where a function does not say.
    arguments: by parameter: the value, or the parts, or list of parts, that become it.
    settings:  values of the fields of `settings_class`.
    injected:  those of `INJECTED` that it takes.
    """

    use: str
    path: Path
    location: Location
    target: Callable[..., Any]
    slots: Slots
    made: type | None
    arguments: Mapping[str, Any]
    settings_class: type | None
    settings: Mapping[str, Any]
    injected: frozenset[str]

    def make(self, injected: Mapping[str, Any], settings: Mapping[str, Any] = _NOTHING) -> Any:
        """Make the object. Raises whatever its constructor raises.

        injected: what the parameters of `INJECTED` are given.
        settings: values over those of the manifest.
        """
        given = {name: _made(value, self.slots.table.get(name), injected) for name, value in self.arguments.items()}
        values = {**self.settings, **settings}
        if values and self.settings_class is not None and self.takes_settings:
            fields = fields_of(self.settings_class).table
            given["settings"] = self.settings_class(**{n: fields[n].convert(v) for n, v in values.items()})
        return self.target(**given, **{name: injected[name] for name in self.injected})

    def check_stage(self, report: Report, bot: Bot, options: Mapping[str, Any]) -> None:
        """Ask the class or function itself what is wrong with what it is given, where it has a `check_stage`.

        options: setting → the option that is bound to it.
        """
        check = getattr(self.target, "check_stage", None)
        if check is None:
            return
        try:
            with at_work(f"stage '{self.use}'", "check_stage"):
                lines = list(check(StageCheck(bot, self.arguments, self.settings, options)))
        except StartInterrupted:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises is a problem, not the end of the check
            lines = [f"'{self.use}' cannot be checked: {error_text(error)}"]
        for line in lines:
            steps, text = place_in({"args": self.arguments, "settings": self.settings}, line)
            report.add("bad-stage", (*self.path, *steps), text)

    def with_params(self, values: Mapping[str, Any]) -> Part:
        """Give the same with other values in its `params` object."""
        if not values:
            return self
        before = self.arguments.get("params")
        model = before.model if isinstance(before, Fields) else params_model(self.target)
        if model is None:
            return self
        given = before.values if isinstance(before, Fields) else _NOTHING
        return replace(self, arguments={**self.arguments, "params": Fields(model, {**given, **values})})

    @property
    def takes_settings(self) -> bool:
        """Whether the constructor takes settings; else they can only be changed while it runs."""
        return "settings" in self.slots.table

    def secrets(self) -> frozenset[str]:
        """Give the texts that it is given, nested ones too: what no message may repeat."""
        return frozenset(_texts([self.arguments, self.settings]))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Part):
        yield from value.secrets()
    elif isinstance(value, Fields):
        yield from _texts(value.values)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _made(value: Any, slot: Slot | None, injected: Mapping[str, Any]) -> Any:
    if isinstance(value, Part):
        return value.make(injected)
    if isinstance(value, list) and value and isinstance(value[0], Part):
        return [part.make(injected) for part in value]
    if isinstance(value, Fields):
        fields = fields_of(value.model).table
        return value.model(**{name: _made(item, fields.get(name), injected) for name, item in value.values.items()})
    return value if slot is None else slot.convert(value)


@dataclass(frozen=True, eq=False, repr=False)
class Fields:
    """The values of a `params` object."""

    model: type
    values: Mapping[str, Any]


def made_by(target: Callable[..., Any]) -> type | None:
    """Give the class of what a class or function makes, as far as it says."""
    if isinstance(target, type):
        return target
    try:
        annotation = inspect.get_annotations(target, eval_str=True).get("return")
    except Exception:  # noqa: BLE001 - an annotation only a type checker can resolve says nothing here
        return None
    return annotation if isinstance(annotation, type) and annotation not in (Any, object) else None


def params_model(target: Callable[..., Any]) -> type | None:
    """Find the class of the `params` that a class or function takes, if it does."""
    slots = parameters_of(target)
    if "params" not in slots.table:
        return None
    own = getattr(made_by(target), "InputParams", None)
    return model_in(slots.annotated("params")) or (own if isinstance(own, type) else None)


def settings_class_of(slots: Slots, made: type | None) -> type | None:
    """Find the class of a stage's settings."""
    own = getattr(made, "Settings", None)
    if isinstance(own, type) and dataclasses.is_dataclass(own):
        return own
    return model_in(slots.annotated("settings"))


def setting_fields(settings_class: type) -> Mapping[str, Slot]:
    """Give what can be set of a stage, by name; not Pipecat's `extra`, which takes misspelt names silently."""
    return {name: slot for name, slot in fields_of(settings_class).table.items() if name != "extra"}
