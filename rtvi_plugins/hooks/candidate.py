"""One plugin on its way through discovery: what it is, which hooks its object holds, and where it went wrong."""

from __future__ import annotations

import enum
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from rtvi_plugins.errors import Location, Problem, did_you_mean, sort_problems
from rtvi_plugins.handlers import location_of
from rtvi_plugins.hooks.installed import error_text
from rtvi_plugins.hooks.results import SPECS, kind, signature_faults
from rtvi_plugins.hooks.startup import StartInterrupted, at_work

NOWHERE: Final = Location("")
OURS: Final = "rtvi-plugins"
"""The distribution of the built-in plugins."""
_HOST: Final = "rtvi_plugins.hooks."

Marker = Callable[[Callable[..., Any]], "Mapping[str, Any] | None"]
"""Reads the options that `@hookimpl` left on a function, or None where there are none."""


class State(enum.StrEnum):
    """What has become of a plugin; the words of `rtvi plugins`."""

    SOUND = "ok"
    BROKEN = "broken"
    """It has problems; it may supply what is sound of it all the same."""
    DISABLED = "disabled"
    """It was left out, and is not imported."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin, sound or broken.

    distribution, version: empty for an object that no distribution supplies.
    value:    the entry point's `module:attr`.
    location: the file of its module, or `Location("")`.
    hooks:    names of the hooks it implements, sorted.
    attempted: those, and the ones that it tried to implement.
    state:    what has become of it.
    is_lost:  nothing is known of what it would have supplied, or all of that was taken back.
    """

    name: str
    distribution: str
    version: str
    value: str
    location: Location
    problems: tuple[Problem, ...]
    hooks: tuple[str, ...]
    attempted: frozenset[str] = frozenset()
    state: State = State.SOUND
    is_lost: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether it comes from an entry point, and not from what was passed in."""
        return bool(self.distribution) and self.distribution != OURS

    def __str__(self) -> str:
        return " ".join(part for part in (self.distribution or self.value, self.version) if part)


@dataclass(eq=False)
class Candidate:
    """A plugin on its way through discovery; `is_dropped` takes back all that it supplied."""

    name: str
    distribution: str
    version: str
    value: str
    package: str
    location: Location = NOWHERE
    hooks: dict[str, Callable[..., Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_dropped: bool = False
    is_disabled: bool = False
    is_beside: bool = False
    """It lies beside the manifest that lists it, and belongs to that alone."""
    attempted: set[str] = field(default_factory=set)
    given: dict[str, list[Any]] = field(default_factory=dict)
    """Hook → the sound part of what it gave, once it was asked."""

    @property
    def who(self) -> str:
        """How messages call it: its name, distribution and version."""
        origin = " ".join(part for part in (self.distribution or self.value, self.version) if part)
        return f"plugin '{self.name}' ({origin})"

    def report(self, slug: str, text: str, location: Location, expected: str = "", hint: str = "") -> None:
        """Add a problem that names this plugin, once."""
        problem = Problem(slug, f"{self.who}: {text}", location, expected=expected, hint=hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def fail(self, doing: str, error: BaseException, fallback: Location = NOWHERE, hint: str = "") -> None:
        """Drop the plugin for an exception, placed at the plugin's own line where the traceback has one."""
        self.is_dropped = True
        place = place_of(error, self.package)
        self.report("broken-plugin", f"{doing}: {error_text(error)}", place if place.path else fallback, hint=hint)

    def frozen(self) -> Plugin:
        """Give what is known by now as a value."""
        return Plugin(
            self.name,
            self.distribution,
            self.version,
            self.value,
            self.location,
            sort_problems(self.problems),
            tuple(sorted(self.hooks)),
            frozenset(self.attempted | self.hooks.keys()),
            self._state,
            self.is_dropped,
        )

    @property
    def _state(self) -> State:
        if self.is_disabled:
            return State.DISABLED
        return State.BROKEN if self.problems else State.SOUND


def inspect_plugin(candidate: Candidate, loaded: object, marker: Marker) -> None:
    """Take the sound hooks of a plugin's object into the candidate, and report all that is no hook."""
    name = loaded.__name__ if isinstance(loaded, ModuleType) else candidate.value.partition(":")[0].strip()
    file = getattr(loaded if isinstance(loaded, ModuleType) else sys.modules.get(name), "__file__", None)
    candidate.location = Location(str(file)) if file else Location("")
    try:
        with at_work(candidate.who, f"reading '{candidate.value}'"):
            for attribute, function in _callables(loaded):
                _take(candidate, attribute, function, marker(function))
    except StartInterrupted:
        raise
    except BaseException as error:  # noqa: BLE001 - an object may compute its attributes
        candidate.fail(f"cannot read '{candidate.value}'", error)


def _callables(loaded: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give what could be a hook: functions and methods, and whatever can be called and is named like one."""
    if isinstance(loaded, ModuleType):
        names = list(vars(loaded))
    else:
        names = [n for n in dir(loaded) if not isinstance(inspect.getattr_static(loaded, n, None), property)]
    for name in names:
        if name.startswith("__"):
            continue
        value = getattr(loaded, name)
        is_named_so = name.startswith("rtvi_") and callable(value) and not inspect.isclass(value)
        if is_named_so or inspect.isfunction(value) or inspect.ismethod(value):
            yield name, value


def _take(
    candidate: Candidate, attribute: str, function: Callable[..., Any], options: Mapping[str, Any] | None
) -> None:
    place = location_of(function)
    if not inspect.isroutine(function):
        if attribute in SPECS:
            candidate.attempted.add(attribute)
            text = f"hook '{attribute}' is {kind(function)}"
            candidate.report("bad-hook", text, candidate.location, f"a function with @hookimpl: 'def {attribute}'")
        return
    if options is None:
        _report_unmarked(candidate, attribute, function)
        return
    hook = options.get("specname") or attribute
    if hook not in SPECS:
        # `optionalhook` is pluggy's way to say: made for another version of the host as well.
        if not options.get("optionalhook"):
            hint = did_you_mean(hook, SPECS)
            candidate.attempted |= _meant(hint)
            candidate.report("unknown-hook", f"there is no hook '{hook}'", place, hint=hint)
        return
    candidate.attempted.add(hook)
    if options.get("wrapper") or options.get("hookwrapper"):
        candidate.report("bad-hook", f"hook '{hook}' is a wrapper", place, "a plain hook", "use rtvi_middleware")
        return
    if hook in candidate.hooks:
        candidate.report("bad-hook", f"hook '{hook}' is implemented twice", place, "one function for each hook")
        return
    faults = signature_faults(hook, function)
    for fault in faults:
        candidate.report("bad-hook", fault.text, place, fault.expected, fault.hint)
    if not faults:
        candidate.hooks[hook] = function


def _report_unmarked(candidate: Candidate, attribute: str, function: Callable[..., Any]) -> None:
    # A function that was imported from elsewhere and only happens to be named so is not this plugin's.
    home = str(getattr(function, "__module__", None) or candidate.package).partition(".")[0]
    if attribute.startswith("rtvi_") and home == candidate.package:
        hint = "put @hookimpl on it" if attribute in SPECS else did_you_mean(attribute, SPECS)
        candidate.attempted |= {attribute} & SPECS.keys() | _meant(hint)
        candidate.report("unknown-hook", f"'{attribute}' is not a hook", location_of(function), hint=hint)


def _meant(hint: str) -> set[str]:
    """Return the hook that a hint suggests: a misspelt policy must not pass for something that nobody needs."""
    return {hook for hook in SPECS if f"'{hook}'" in hint}


def place_of(error: BaseException, package: str) -> Location:
    """Find the plugin's own line in a traceback: the innermost frame that runs code of its package."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return Location(error.filename, error.lineno or 0, error.offset or 0)
    place = Location("")
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == package and not module.startswith(_HOST):
            place = Location(frame.f_code.co_filename, line)
    return place
