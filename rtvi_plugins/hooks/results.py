"""What a hook's signature and result must be: checked here, one function per hook, every fault told.

A check takes what a hook gave and returns the sound parts and the faults. It may raise what the plugin's own objects
raise (a generator that fails half-way); the host reports that like any exception of a hook.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, Final

from rtvi_plugins.errors import did_you_mean
from rtvi_plugins.handlers import Handler, Handlers
from rtvi_plugins.hooks import hookspecs
from rtvi_plugins.manifest.primitives import NAME_PATTERN

SPECS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(inspect.signature(spec).parameters)
    for name, spec in vars(hookspecs).items()
    if name.startswith("rtvi_") and inspect.isfunction(spec)
}
"""Every hook and the names of its parameters."""

MAX_NAME: Final = 100
LEGAL_NAME: Final = f"a letter, then letters, digits, '_' and '-', at most {MAX_NAME} characters"
"""The names that a manifest can write, as `manifest.model.Name` has them."""

SESSION_HOOKS: Final = ("rtvi_session_started", "rtvi_session_ended")
"""Called for each session, and the only ones that may be coroutine functions."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a hook breaks its contract; the words of a `Problem`."""

    text: str
    expected: str = ""
    hint: str = ""


Checked = tuple[list[Any], list[Fault]]


def kind(value: object) -> str:
    """Say what came: its type's name, never the value, which may be large or secret."""
    return "None" if value is None else f"a class '{value.__name__}'" if inspect.isclass(value) else _article(value)


def _article(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} '{name}'"


def signature_faults(hook: str, function: Callable[..., object]) -> list[Fault]:
    """Compare a hook's function with its spec. It may leave parameters out, not add any."""
    legal = SPECS[hook]
    expected = f"({', '.join(legal)})"
    if hook not in SESSION_HOOKS and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        hint = "start-up hooks are called before any event loop runs"
        return [Fault(f"hook '{hook}' is an 'async def'", f"a plain 'def {hook}{expected}'", hint)]
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [Fault(f"hook '{hook}' has no readable signature", f"'def {hook}{expected}'")]
    faults = []
    for parameter in parameters:
        is_optional = parameter.default is not parameter.empty
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            bare = parameter.replace(annotation=parameter.empty)
            faults.append(Fault(f"hook '{hook}' takes '{bare}'", f"parameters by name: {expected}"))
        elif parameter.name not in legal and not is_optional:
            hint = "name an instance in the entry point, not the class" if parameter.name == "self" else ""
            hint = hint or did_you_mean(parameter.name, legal)
            faults.append(Fault(f"hook '{hook}' has no parameter '{parameter.name}'", expected, hint))
        elif parameter.kind is parameter.KEYWORD_ONLY and not is_optional:
            faults.append(Fault(f"hook '{hook}' takes '{parameter.name}' by keyword only", expected))
    return faults


def check_handlers(given: object) -> Checked:
    """`rtvi_handlers`: an iterable of `Handlers`; the sound part is the `Handler`s in them."""
    expected = "an iterable of Handlers"
    if isinstance(given, Handlers):
        return [], [Fault("hook 'rtvi_handlers' gave one Handlers", expected, "put it in a list: [handlers]")]
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        return [], [Fault(f"hook 'rtvi_handlers' gave {kind(given)}", expected)]
    sound: list[Handler] = []
    faults: list[Fault] = []
    for number, collection in enumerate(given):
        if not isinstance(collection, Handlers):
            faults.append(Fault(f"hook 'rtvi_handlers' gave {kind(collection)} at [{number}]", "Handlers"))
            continue
        if collection.service is not None and not _is_name(collection.service):
            faults.append(Fault(f"Handlers at [{number}] are for {kind(collection.service)}", "a service's name"))
            continue
        for handler in collection:
            if not _is_name(handler.name):
                faults.append(Fault(f"a handler of kind {handler.kind} is named by {kind(handler.name)}", "a name"))
            elif not _is_callable(handler.function):
                faults.append(Fault(f"handler of {handler.title} is {kind(handler.function)}", "a function"))
            else:
                sound.append(handler)
    return sound, faults


def check_middleware(given: object) -> Checked:
    """`rtvi_middleware`: an iterable of coroutine functions that take `(call, call_next)`."""
    expected = "'async def' functions that take (call, call_next)"
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        return [], [Fault(f"hook 'rtvi_middleware' gave {kind(given)}", f"an iterable of {expected}")]
    sound: list[Any] = []
    faults: list[Fault] = []
    for number, middleware in enumerate(given):
        # An object with an async __call__ is as good as a function.
        call = middleware if inspect.isroutine(middleware) else getattr(middleware, "__call__", None)  # noqa: B004
        if not (inspect.iscoroutinefunction(middleware) or inspect.iscoroutinefunction(call)) or inspect.isclass(
            middleware
        ):
            what = f"'{middleware.__name__}', a plain 'def'," if inspect.isfunction(middleware) else kind(middleware)
            faults.append(Fault(f"hook 'rtvi_middleware' gave {what} at [{number}]", expected))
        elif not _takes(middleware, 2):
            came = f"{getattr(middleware, '__name__', type(middleware).__name__)}{inspect.signature(middleware)}"
            faults.append(Fault(f"hook 'rtvi_middleware' gave '{came}' at [{number}]", expected))
        else:
            sound.append(middleware)
    return sound, faults


def check_manifests(given: object) -> Checked:
    """`rtvi_manifests`: name → a readable file; the sound part is `(name, file)` pairs."""
    hint = "importlib.resources.files(__package__) / 'name.yaml'"

    def fault(name: str, file: object) -> Fault | None:
        if not isinstance(file, Traversable):
            return Fault(f"manifest '{name}' is {kind(file)}", "a file of the package", hint)
        try:
            with file.open("rb"):
                return None
        except OSError:
            return Fault(f"manifest '{name}' is no readable file: '{file}'", "a file of the package", hint)

    return _check_table("rtvi_manifests", given, "a file of the package", fault)


def check_responders(given: object) -> Checked:
    """`rtvi_responders`: name → a class with the form of `Responder`; the sound part is `(name, class)` pairs."""

    def fault(name: str, responder: object) -> Fault | None:
        if not inspect.isclass(responder):
            return Fault(f"responder '{name}' is {kind(responder)}", "a class with the form of Responder")
        if not isinstance(getattr(responder, "settings_schema", None), Mapping):
            return Fault(f"responder '{name}' has no 'settings_schema'", "a JSON Schema: a mapping")
        respond = getattr(responder, "respond", None)
        if not callable(respond) or not _takes(respond, 3):
            return Fault(f"responder '{name}' has no 'respond(processor, text)'", "an async generator method")
        if inspect.iscoroutinefunction(respond):
            text = f"'respond' of responder '{name}' gives one value"
            return Fault(text, "pieces of text", "use 'yield', not 'return'")
        if not _takes(responder, 2):
            return Fault(f"responder '{name}' cannot be made from two values", "__init__(self, settings, bot)")
        return None

    return _check_table("rtvi_responders", given, "a Responder class", fault)


def check_stages(given: object) -> Checked:
    """`rtvi_stages`: name → a callable; the sound part is `(name, callable)` pairs."""

    def fault(name: str, factory: object) -> Fault | None:
        return None if callable(factory) else Fault(f"stage '{name}' is {kind(factory)}", "a callable")

    return _check_table("rtvi_stages", given, "a callable", fault)


CHECKS: Final[Mapping[str, Callable[[object], Checked]]] = {
    "rtvi_handlers": check_handlers,
    "rtvi_manifests": check_manifests,
    "rtvi_responders": check_responders,
    "rtvi_stages": check_stages,
    "rtvi_middleware": check_middleware,
}
"""The start-up hooks in the order in which they are called, each with the check of its result."""


def _check_table(hook: str, given: object, expected: str, fault: Callable[[str, object], Fault | None]) -> Checked:
    if not isinstance(given, Mapping):
        return [], [Fault(f"hook '{hook}' gave {kind(given)}", f"a mapping from names to {expected}")]
    sound: list[tuple[str, Any]] = []
    faults: list[Fault] = []
    for name, value in given.items():
        if not isinstance(name, str):
            faults.append(Fault(f"hook '{hook}' gave {kind(name)} as a name", "a string"))
        elif not re.match(NAME_PATTERN, name):
            faults.append(Fault(f"hook '{hook}' gave the name '{name[:100]}'", "letters, digits, '_' and '-'"))
        elif (found := fault(name, value)) is not None:
            faults.append(found)
        else:
            sound.append((name, value))
    return sound, faults


def is_name(name: str) -> bool:
    """Tell whether a manifest can write a name."""
    return re.fullmatch(NAME_PATTERN, name) is not None and "\n" not in name and len(name) <= MAX_NAME


def _is_name(value: object) -> bool:
    return isinstance(value, str)


def _is_callable(value: object) -> bool:
    return callable(value)


def _takes(function: Callable[..., object], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True
