"""Whether what a manifest gives to a stage, or to anything else that is made, fits what it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.manifest.plugin_files import folder_of
from rtvi_plugins.pipecat import names
from rtvi_plugins.pipecat.names import Unusable
from rtvi_plugins.pipecat.parts import (
    HTTP,
    INJECTED,
    Fields,
    Part,
    made_by,
    params_model,
    setting_fields,
    settings_class_of,
)
from rtvi_plugins.pipecat.slots import Slot, Slots, fields_of, parameters_of

if TYPE_CHECKING:
    from rtvi_plugins.binding.report import Path, Report
    from rtvi_plugins.schema import Fault

_CLASS: Final = "a service of Pipecat, a stage of a plugin, or a class as 'module:Class'"
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_NESTED_KEYS: Final = frozenset({"use", "args", "params", "settings"})
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Fitting:
    """Checks what a manifest gives to its stages; adds what is wrong to the report."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._folder = names.Folder(folder_of(report.loaded.path), report.loaded.root)

    def target(self, use: str, known: Mapping[str, Any], path: Path, elsewhere: Mapping[str, str] = _NOTHING) -> Any:
        """Find what a `use:` stands for; None, after a report, when it stands for nothing.

        known:     what short names stand for: a class path, or the thing itself.
        elsewhere: what to say of short names that mean something, but not here.
        """
        here = self._of_use(path)
        if use in known:
            found = known[use]
            found = names.load(found) if isinstance(found, str) else found
        elif ":" in use or ("." in use and not did_you_mean(use, [name for name in known if "." in name])):
            found = names.load(use, self._folder)
        else:
            hint = did_you_mean(use, known) or elsewhere.get(use, "")
            expected = "" if hint else f"{quoted(known)}, or a class as 'module:Class'" if len(known) <= 12 else _CLASS
            found = Unusable("unknown-stage", f"there is no '{_short(use)}'", expected, hint)
        if isinstance(found, Unusable):
            self._report.add(found.slug, here, found.text, expected=found.expected, hint=found.hint)
            return None
        if not callable(found):
            text = f"'{_short(use)}' is of type '{type(found).__name__}'"
            self._report.add("unknown-stage", here, text, expected="a class")
            return None
        return found

    def check(
        self,
        target: Callable[..., Any],
        use: str,
        path: Path,
        *,
        args: Mapping[str, Any] = _NOTHING,
        params: Mapping[str, Any] = _NOTHING,
        settings: Mapping[str, Any] = _NOTHING,
        is_plugin: bool = False,
        prefix: str = "",
    ) -> Part:
        """Check what a class or function is given; the part is of use only when nothing was reported.

        is_plugin: `bot` and `processor` are injected, since whoever wrote it knows of them.
        prefix:    what environment variables of the service begin with.
        """
        slots = parameters_of(target)
        reserved = (INJECTED if is_plugin else frozenset({HTTP})) & slots.table.keys()
        arguments = self._arguments(target, args, path, use, reserved)
        made = made_by(target)
        settings_class = settings_class_of(slots, made)
        settings = self._settings(settings_class, slots, settings, path, use)
        if params:
            model = params_model(target)
            if model is None:
                self._refuse((*path, "params"), f"'{_short(use)}' takes no params")
            else:
                read = self._values(fields_of(model), params, (*path, "params"), "parameter", use)
                arguments["params"] = Fields(model, read)
        missing = [
            name
            for name, slot in slots.table.items()
            if slot.is_required and name not in arguments and name not in reserved
            if not (name == "settings" and settings)
        ]
        for name in missing:
            hint = f"{name}: ${{env:{prefix}_{name.upper()}}}" if prefix and name == "api_key" else ""
            where = "" if name in _with_own_keys(target) else "args."
            text = f"'{_short(use)}' needs '{where}{name}'"
            self._report.add("bad-stage", self._of_use(path), text, hint=hint and f"write '{hint}' under 'args:'")
        location = self._report.loaded.source.locate(path)
        return Part(use, path, location, target, slots, made, arguments, settings_class, dict(settings), reserved)

    def values(
        self, model: type, given: Mapping[str, Any], path: Path, but: Mapping[str, str] = _NOTHING
    ) -> dict[str, Any]:
        """Check the fields of a model or dataclass and return them. `but`: fields that are written elsewhere, where."""
        slots = fields_of(model)
        for name in given.keys() & but.keys():
            self._refuse(
                (*path, name), f"'{name}' is written elsewhere", hint=f"write it as '{but[name]}'", on_key=True
            )
        rest = Slots({n: slot for n, slot in slots.table.items() if n not in but}, slots.is_open)
        return self._values(rest, {n: v for n, v in given.items() if n not in but}, path, "field", model.__name__)

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _arguments(
        self, target: Callable[..., Any], args: Mapping[str, Any], path: Path, use: str, reserved: Iterable[str]
    ) -> dict[str, Any]:
        slots = parameters_of(target)
        arguments: dict[str, Any] = {}
        own = _with_own_keys(target)
        legal = {n: slot for n, slot in slots.table.items() if n not in (*reserved, *own)}
        for name, value in args.items():
            here = (*path, "args", name)
            if name in reserved:
                self._refuse(here, f"'{name}' is given by the host", hint="leave it out", on_key=True)
            elif name in own:
                self._refuse(
                    here, f"'{name}' has a key of its own", hint="write it beside 'args:', not in it", on_key=True
                )
            elif name in legal:
                arguments[name] = self._value(legal[name], value, here)
            elif slots.is_open and self._is_env(value, here):
                continue
            elif slots.is_open:
                arguments[name] = value
            else:
                self._unknown(here, name, legal, "argument", use)
        return arguments

    def _settings(
        self, settings_class: type | None, slots: Slots, given: Mapping[str, Any], path: Path, use: str
    ) -> Mapping[str, Any]:
        if not given:
            return given
        here = (*path, "settings")
        if settings_class is None or "settings" not in slots.table:
            self._refuse(here, f"'{_short(use)}' takes no settings", on_key=True)
            return given
        fields = setting_fields(settings_class)
        aliases: Mapping[str, str] = getattr(settings_class, "_aliases", {})
        for name in given.keys() & aliases.keys() - fields.keys():
            hint = f"did you mean '{aliases[name]}'?"
            self._refuse((*here, name), f"'{_short(use)}' has no setting '{name}'", hint=hint, on_key=True)
        rest = {name: value for name, value in given.items() if name not in aliases or name in fields}
        return self._values(Slots(fields), rest, here, "setting", use)

    def _values(self, slots: Slots, given: Mapping[str, Any], path: Path, what: str, use: str) -> dict[str, Any]:
        read = dict(given)
        for name, value in given.items():
            if name in slots.table:
                read[name] = self._check_value(slots.table[name], value, (*path, name))
            elif not slots.is_open:
                self._unknown((*path, name), name, slots.table, what, use)
        for name, slot in slots.table.items():
            if slot.is_required and name not in given:
                self._refuse(path, f"'{_short(use)}' needs the {what} '{name}'")
        return read

    def _value(self, slot: Slot, value: Any, path: Path) -> Any:
        """Check one argument; give it, or the parts that become it."""
        if _is_nested(value):
            return self._nested(slot, value, path)
        if isinstance(value, list) and value and all(map(_is_nested, value)):
            return [self._nested(None, item, (*path, index)) for index, item in enumerate(value)]
        return self._check_value(slot, value, path)

    def _check_value(self, slot: Slot, value: Any, path: Path) -> Any:
        """Check one value and return it, read as the slot's type where it came from the environment."""
        if slot.schema is not None:
            value = self._report.typed(value, path, slot.schema.document)
        faults = slot.faults(value)
        if not (faults or slot.schema is None) or not self._is_env(value, path):
            self._faults(faults, path)
        return value

    def _is_env(self, value: Any, path: Path) -> bool:
        """Tell, and report, whether a value is meant to be one of the environment's, written in a way of its own."""
        name = value.get("env") if isinstance(value, Mapping) and value.keys() <= {"env", "default"} else None
        if not isinstance(name, str) or _VARIABLE.fullmatch(name) is None:
            return False
        default = ":-…" if "default" in value else ""
        self._refuse(path, "an object is no variable of the environment", hint=f"write '${{env:{name}{default}}}'")
        return True

    def _nested(self, slot: Slot | None, value: Mapping[str, Any], path: Path) -> Part | None:
        use = value["use"]
        target = self.target(use, _NOTHING, path)
        if target is None:
            return None
        given: dict[str, Mapping[str, Any]] = {}
        for key in ("args", "params", "settings"):
            given[key] = value.get(key, _NOTHING)
            if not isinstance(given[key], Mapping):
                self._report.add("wrong-type", (*path, key), "wrong type", expected="object")
                given[key] = _NOTHING
        part = self.check(target, use, path, args=given["args"], params=given["params"], settings=given["settings"])
        wanted = () if slot is None else slot.classes
        if part.made is not None and wanted and not issubclass(part.made, wanted):
            text = f"'{part.made.__name__}' does not fit '{path[-1]}'"
            expected = " or ".join(kind.__name__ for kind in wanted)
            self._refuse(self._of_use(path), text, expected=expected)
        return part

    def _faults(self, faults: Iterable[Fault], path: Path) -> None:
        for fault in faults:
            steps = [part.replace("~1", "/").replace("~0", "~") for part in fault.pointer.split("/")[1:]]
            place = (*path, *(int(part) if part.isdecimal() else part for part in steps))
            self._refuse(place, fault.text, on_key=fault.text.startswith("not a known "))

    def _unknown(self, path: Path, name: str, legal: Iterable[str], what: str, use: str) -> None:
        legal = sorted(legal)
        hint = did_you_mean(name, legal)
        expected = "" if hint or not legal else quoted(legal) if len(legal) <= 20 else ""
        text = f"'{_short(use)}' has no {what} '{_short(name)}'"
        self._refuse(path, text, expected=expected, hint=hint, on_key=True)

    def _refuse(self, path: Path, text: str, *, expected: str = "", hint: str = "", on_key: bool = False) -> None:
        self._report.add("bad-stage", path, text, expected=expected, hint=hint, on_key=on_key)

    def _of_use(self, path: Path) -> Path:
        """Give the path of a part's `use`: in the short form the part itself."""
        value: Any = self._report.loaded.source.value
        for step in path:
            if isinstance(value, Mapping):
                value = value.get(step)
            else:
                value = value[step] if isinstance(value, list) and isinstance(step, int) else None
        return path if isinstance(value, str) or value is None else (*path, "use")


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("use"), str) and value.keys() <= _NESTED_KEYS


def _with_own_keys(target: Callable[..., Any]) -> frozenset[str]:
    """Name the parameters that are written beside `args:`; `params` of several possible classes is written in it."""
    slots = parameters_of(target)
    has = {"settings": settings_class_of(slots, made_by(target)), "params": params_model(target)}
    return frozenset(name for name, model in has.items() if model is not None and name in slots.table)
