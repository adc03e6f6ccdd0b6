"""What a plugin author writes: collections of handlers, in either of two forms.

    voice = Handlers("voice")

    @voice.option("rate")
    async def set_rate(processor, service, option): ...          # option.name, option.value

    @voice.action("say")                                         # original form: (processor, service, arguments)
    async def say(processor, service, arguments): ...

    @voice.action("say")                                         # typed form: keyword parameters are the arguments
    async def say(processor, *, text: str, loud: bool = False) -> bool: ...

Nothing is checked here: decorators only record. `rtvi_plugins.binding` compares what was recorded with the manifest.
"""

from __future__ import annotations

import enum
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

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
    """How a handler takes its input, told apart by the names of its parameters."""

    ORIGINAL = enum.auto()
    """`(processor, service, option)` or `(processor, service, arguments)`."""
    TYPED = enum.auto()
    """`(processor, *, query, limit)`, with `job` second for an action that reports progress."""
    DATA = enum.auto()
    """`(processor, data)` for messages, `(processor, payload)` for UI events."""
    UNFIT = enum.auto()
    """None of them."""


_SIMPLE: Final = {named.__name__: named for named in (bool, dict, float, int, list, object, str)} | {"None": None}
"""What most annotations say; compiling each of them takes longer than all the rest of reading a signature."""

_ORIGINAL_THIRD: Final = {HandlerKind.OPTION: "option", HandlerKind.ACTION: "arguments"}


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a handler, as binding needs them.

    parameters: the keyword parameters of the typed form, name → `inspect.Parameter`; empty for other forms.
    takes_job:  the typed form asks for its job as second parameter.
    takes_rest: the typed form has `**kwargs`.
    returns:    what it is annotated to return, or `inspect.Signature.empty`.
    is_async:   calling it gives an awaitable; otherwise it runs in a thread.
    """

    form: Form
    parameters: dict[str, inspect.Parameter]
    takes_job: bool
    takes_rest: bool
    is_async: bool
    returns: Any = inspect.Signature.empty

    @classmethod
    def of(cls, function: HandlerFunction, kind: HandlerKind) -> Signature:
        """Read a handler's signature; annotations written as text are resolved where that is possible."""
        # Whoever checks a handler binds it next. Only plain functions: others may claim to be equal and not be alike.
        return _of_function(function, kind) if isinstance(function, types.FunctionType) else _read(function, kind)


def _read(function: HandlerFunction, kind: HandlerKind) -> Signature:
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__ is a handler too
    )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return Signature(Form.UNFIT, {}, takes_job=False, takes_rest=False, is_async=is_async)
    parameters = [
        p.replace(annotation=_evaluated(p.annotation, function)) if isinstance(p.annotation, str) else p
        for p in signature.parameters.values()
    ]
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = any(p.kind is p.VAR_KEYWORD for p in parameters)
    names = [p.name for p in positional]
    keywords = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    returns = _evaluated(signature.return_annotation, function)

    def found(form: Form, given: dict[str, inspect.Parameter], *, job: bool = False) -> Signature:
        return Signature(form, given, takes_job=job, takes_rest=rest, is_async=is_async, returns=returns)

    if not positional or any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return found(Form.UNFIT, {})
    if kind in (HandlerKind.MESSAGE, HandlerKind.EVENT):
        required = [n for n, p in keywords.items() if p.default is p.empty]
        return found(Form.DATA if len(names) == 2 and not required else Form.UNFIT, {})
    if len(names) == 3 and not keywords and not rest and names[1:] == ["service", _ORIGINAL_THIRD[kind]]:
        return found(Form.ORIGINAL, {})
    if kind is HandlerKind.OPTION:
        return found(Form.UNFIT, {})
    job = len(names) > 1 and names[1] == "job"
    given = {p.name: p for p in positional[2 if job else 1 :] if p.kind is p.POSITIONAL_OR_KEYWORD} | keywords
    if len(given) != len(parameters) - (2 if job else 1) - rest:
        return found(Form.UNFIT, {})
    return found(Form.TYPED, given, job=job)


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
