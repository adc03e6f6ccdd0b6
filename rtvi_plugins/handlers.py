"""What a plugin author writes: collections of handlers, in either of two forms.

    voice = Handlers("voice")

    @voice.option("rate")
    async def set_rate(processor, service, option): ...          # option.name, option.value

    @voice.action("say")                                         # original form, under whatever names
    async def say(processor, service, arguments): ...

    @voice.action("say")                                         # typed form: keyword parameters are the arguments
    async def say(processor, *, text: str, loud: bool = False) -> bool: ...

Nothing is checked here: decorators only record. `rtvi_plugins.binding` compares what was recorded with the manifest.
"""

from __future__ import annotations

import enum
import functools
import inspect
import keyword
import types
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from rtvi_plugins.annotations import json_types_of
from rtvi_plugins.errors import ActionError, Location

__all__ = ["ActionError", "Form", "Handler", "HandlerKind", "Handlers", "Signature"]

HandlerFunction = Callable[..., Any]
F = TypeVar("F", bound=HandlerFunction)


class HandlerKind(enum.StrEnum):
    """What a handler serves; the words of the manifest."""

    OPTION = "option"
    ACTION = "action"
    MESSAGE = "message"
    EVENT = "event"


class Form(enum.Enum):
    """How a handler takes its input, told apart by its parameters."""

    ORIGINAL = enum.auto()
    """`(processor, service, option)` or `(processor, service, arguments)`, whatever the three are called."""
    TYPED = enum.auto()
    """`(processor, *, query, limit)`, with `job` second for an action that reports progress."""
    DATA = enum.auto()
    """`(processor, data)` for messages, `(processor, payload)` for UI events."""
    UNFIT = enum.auto()
    """None of them."""


_SIMPLE: Final = {named.__name__: named for named in (bool, dict, float, int, list, object, str)} | {"None": None}
"""What most annotations say; compiling each of them takes longer than all the rest of reading a signature."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a handler, as binding needs them.

    form:        ORIGINAL and TYPED are both possible for some handlers of actions: see `form_for`.
    parameters:  the keyword parameters of the typed form, name → `inspect.Parameter`; empty for other forms.
    is_threefold: three values by position are all that it needs: the original form under whatever names.
    takes_job:   the typed form asks for its job as second parameter.
    takes_rest:  the typed form has `**kwargs`.
    returns:     what it is annotated to return, or `inspect.Signature.empty`.
    is_async:    calling it gives an awaitable; otherwise it runs in a thread.
    """

    form: Form
    parameters: dict[str, inspect.Parameter]
    takes_job: bool
    takes_rest: bool
    is_async: bool
    is_threefold: bool = False
    returns: Any = inspect.Signature.empty

    @classmethod
    def of(cls, function: HandlerFunction, kind: HandlerKind) -> Signature:
        """Read a handler's signature; annotations written as text are resolved where that is possible."""
        # Whoever checks a handler binds it next. Only plain functions: others may claim to be equal and not be alike.
        return _of_function(function, kind) if isinstance(function, types.FunctionType) else _read(function, kind)

    def form_for(self, arguments: Collection[str]) -> Form:
        """Return the form, given the parameters that the action's arguments would fill in the typed form.

        Three positional parameters without defaults that are no arguments of the action are the original form, unless
        their annotations say otherwise (`(processor, text: str, loud: bool)` misspells its arguments).
        """
        if self.form is not Form.TYPED or not self.is_threefold or not self.parameters.keys().isdisjoint(arguments):
            return self.form
        service, given = list(self.parameters.values())[:2]
        fits = _is_annotated(service, "string") and _is_annotated(given, "object")
        return Form.ORIGINAL if fits else Form.TYPED


def _is_annotated(parameter: inspect.Parameter, json_type: str) -> bool:
    """Return whether a parameter's annotation takes a JSON type, or does not say."""
    if parameter.annotation is parameter.empty:
        return True
    types_ = json_types_of(parameter.annotation)
    return not types_ or json_type in types_


def parameter_name(argument: str) -> str:
    """Give the Python parameter that takes an argument: `-` becomes `_`, Python's own words get a `_` behind."""
    name = argument.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _read(function: HandlerFunction, kind: HandlerKind) -> Signature:
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__ is a handler too
    )
    unfit = Signature(Form.UNFIT, {}, takes_job=False, takes_rest=False, is_async=is_async)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return unfit
    parameters = [
        p.replace(annotation=_evaluated(p.annotation, function)) if isinstance(p.annotation, str) else p
        for p in signature.parameters.values()
    ]
    found = replace(unfit, returns=_evaluated(signature.return_annotation, function))
    if kind in (HandlerKind.MESSAGE, HandlerKind.EVENT):
        is_pair = _needs(2, parameters) or _takes(2, parameters)
        return replace(found, form=Form.DATA if is_pair else Form.UNFIT)
    if kind is HandlerKind.OPTION:
        is_original = _needs(3, parameters) or _is_named(("service", "option"), parameters)
        return replace(found, form=Form.ORIGINAL if is_original else Form.UNFIT)
    return _read_action(found, parameters)


def _read_action(found: Signature, parameters: list[inspect.Parameter]) -> Signature:
    """Return what the parameters of an action's handler say about its form."""
    is_threefold = _needs(3, parameters)
    positional = _positional(parameters)
    if _is_named(("service", "arguments"), parameters) or (is_threefold and not positional):
        return replace(found, form=Form.ORIGINAL)
    if not positional or any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return found
    takes_job = len(positional) > 1 and positional[1].name == "job"
    given = {p.name: p for p in parameters[2 if takes_job else 1 :] if p.kind is not p.VAR_KEYWORD}
    if any(p.kind is p.POSITIONAL_ONLY for p in given.values()):
        return replace(found, form=Form.ORIGINAL) if is_threefold else found
    return replace(
        found,
        form=Form.TYPED,
        parameters=given,
        takes_job=takes_job,
        takes_rest=any(p.kind is p.VAR_KEYWORD for p in parameters),
        is_threefold=is_threefold and not takes_job,
    )


def _positional(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _needs_keywords(parameters: list[inspect.Parameter]) -> bool:
    return any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters)


def _needs(count: int, parameters: list[inspect.Parameter]) -> bool:
    """Return whether so many values by position are needed, and nothing else is.

    So does `(*args, **kwargs)`: what is seen of a handler behind a decorator that does not keep its parameters.
    """
    if _needs_keywords(parameters):
        return False
    positional = _positional(parameters)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return not positional
    return sum(p.default is p.empty for p in positional) == count


def _takes(count: int, parameters: list[inspect.Parameter]) -> bool:
    """Return whether there are so many parameters by position, with or without defaults, and no others are needed."""
    has_rest = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return len(_positional(parameters)) == count and not has_rest and not _needs_keywords(parameters)


def _is_named(names: tuple[str, str], parameters: list[inspect.Parameter]) -> bool:
    """Return whether these are the names of the second and third of three parameters."""
    return _takes(3, parameters) and tuple(p.name for p in _positional(parameters)[1:]) == names


_of_function: Final = functools.lru_cache(maxsize=4)(_read)


def _evaluated(annotation: Any, function: HandlerFunction) -> Any:
    """Resolve an annotation written as text; one that cannot be resolved here counts as none."""
    if not isinstance(annotation, str):
        return annotation
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    if annotation in _SIMPLE and annotation not in scope:
        return _SIMPLE[annotation]
    try:
        return eval(annotation, scope)  # noqa: S307 - the plugin's own source, which is running already
    except Exception:  # noqa: BLE001 - names for type checkers only
        return inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Handler:
    """One recorded handler. `service` is None for messages and UI events; a manifest may leave an optional one out."""

    kind: HandlerKind
    service: str | None
    name: str
    function: HandlerFunction
    location: Location
    is_optional: bool = False

    @property
    def title(self) -> str:
        """How messages call it: `action voice.say`, `message echo`."""
        return f"{self.kind} {self.service}.{self.name}" if self.service else f"{self.kind} {self.name}"


def location_of(function: HandlerFunction) -> Location:
    """Find where a function or class is written; for another object that can be called, where its `__call__` is."""
    written = inspect.unwrap(function)
    while isinstance(written, functools.partial):
        written = inspect.unwrap(written.func)
    if inspect.isclass(written):
        return _location_of_class(written)
    if not hasattr(written, "__code__"):
        written = getattr(type(written), "__call__", written)  # noqa: B004 - wanted is the method, not whether it is
    code = getattr(written, "__code__", None)
    return Location(code.co_filename, code.co_firstlineno) if code is not None else Location("")


def _location_of_class(written: type) -> Location:
    try:
        return Location(inspect.getsourcefile(written) or "", inspect.getsourcelines(written)[1])
    except (OSError, TypeError, SyntaxError):  # no source at hand
        return Location("")


class Handlers:
    """The handlers of one service, or of messages and UI events when made without a name.

    optional: a manifest that names this plugin may leave out what these handlers serve; otherwise that is a problem.

    Iterating gives the recorded `Handler`s in the order they were written.
    """

    def __init__(self, service: str | None = None, *, optional: bool = False) -> None:
        self.service = service
        self._is_optional = optional
        self._recorded: list[Handler] = []

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._recorded)

    def __repr__(self) -> str:
        return f"Handlers({self.service!r}): {', '.join(h.title for h in self._recorded) or 'nothing'}"

    def option(self, name: str) -> Callable[[F], F]:
        """Record the handler that applies a new value of an option: `(processor, service, option)`."""
        return self._record(HandlerKind.OPTION, name)

    def action(self, name: str) -> Callable[[F], F]:
        """Record the handler of an action, original or typed form; what it returns is the action's result."""
        return self._record(HandlerKind.ACTION, name)

    def message(self, name: str) -> Callable[[F], F]:
        """Record the handler of a `client-message` type declared under `messages:`: `(processor, data)`."""
        return self._record(HandlerKind.MESSAGE, name)

    def event(self, name: str) -> Callable[[F], F]:
        """Record the handler of a `ui-event` declared under `ui.events:`: `(processor, payload)`."""
        return self._record(HandlerKind.EVENT, name)

    def _record(self, kind: HandlerKind, name: str) -> Callable[[F], F]:
        needs_service = kind in (HandlerKind.OPTION, HandlerKind.ACTION)
        if needs_service and self.service is None:
            raise ValueError(f"{kind} {name!r} belongs to a service: write Handlers('the-service')")

        def decorate(function: F) -> F:
            service = self.service if needs_service else None
            self._recorded.append(Handler(kind, service, name, function, location_of(function), self._is_optional))
            return function

        return decorate
