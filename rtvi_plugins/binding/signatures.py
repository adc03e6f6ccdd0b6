"""Do a handler's parameters fit what is declared: names, what may be missing, and types."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rtvi_plugins.annotations import json_types_of
from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.handlers import Form, Handler, HandlerKind, Signature, parameter_name
from rtvi_plugins.schema import ArgumentsSchema, Document

FORMS: Final = {
    HandlerKind.OPTION: "(processor, service, option)",
    HandlerKind.ACTION: "(processor, service, arguments) or (processor, *, argument, …)",
    HandlerKind.MESSAGE: "(processor, data)",
    HandlerKind.EVENT: "(processor, payload)",
}

Fault = tuple[str, str, str]
"""What is wrong, what was expected, the way out."""

_PYTHON: Final[Mapping[str, str]] = {
    "string": "str",
    "boolean": "bool",
    "integer": "int",
    "number": "float",
    "array": "list",
    "object": "dict",
    "null": "None",
}
_ALL_TYPES: Final = frozenset({"string", "boolean", "integer", "number", "array", "object", "null"})


def check_signature(handler: Handler) -> Iterator[Fault]:
    """Check the form alone, for options, messages and events."""
    if kind := _is_no_function(handler.function):
        yield f"{handler.title} is {kind}", "a function that returns", ""
    elif Signature.of(handler.function, handler.kind).form is Form.UNFIT:
        yield f"{handler.title} has parameters {_rendered(handler)}", FORMS[handler.kind], ""


def check_action(
    handler: Handler, arguments: ArgumentsSchema, result: Document | None, *, is_job: bool
) -> Iterator[Fault]:
    """Check an action's handler, original or typed form, against its declaration."""
    signature = Signature.of(handler.function, handler.kind)
    if signature.form is Form.UNFIT or _is_no_function(handler.function):
        yield from check_signature(handler)
        return
    yield from _check_return(handler, signature.returns, result)
    expected = {parameter_name(name): name for name in arguments.properties}
    if signature.form_for(expected) is not Form.TYPED:
        return
    if signature.takes_job and not is_job:
        yield f"{handler.title} takes a job", "an action with `job: true`", ""
    forms = FORMS[HandlerKind.ACTION]
    unfilled = expected.keys() - signature.parameters.keys()
    suggested: set[str] = set()
    for name, parameter in signature.parameters.items():
        if name in expected:
            yield from _check_parameter(handler, parameter, expected[name], arguments)
            continue
        # One slip of the pen is one fault: the argument it was meant for is not reported as well.
        hint = did_you_mean(name, unfilled)
        suggested |= {one for one in unfilled if f"'{one}'" in hint}
        if parameter.default is parameter.empty:
            expected_form = "" if hint else forms  # a slip needs no lesson
            yield f"{handler.title} wants an argument '{name}' that is not declared", expected_form, hint
        elif hint:
            yield f"{handler.title} has a parameter '{name}' that no argument fills", "", hint
    unsuggested = {name: argument for name, argument in expected.items() if name not in suggested}
    yield from _without_parameter(handler, signature, unsuggested, arguments)


def _without_parameter(
    handler: Handler, signature: Signature, expected: Mapping[str, str], arguments: ArgumentsSchema
) -> Iterator[Fault]:
    """Find arguments that no parameter takes. expected: parameter → argument."""
    if signature.takes_rest:
        return
    if arguments.is_open:
        text = f"{handler.title} has no parameter for arguments that are not declared"
        yield text, "'**' and a name, or `additionalProperties: false`", ""
    forms = FORMS[HandlerKind.ACTION]
    for name, argument in expected.items():
        if name not in signature.parameters:
            wanted = forms if name == argument else f"a parameter '{name}': {forms}"
            yield f"{handler.title} has no parameter for argument '{argument}'", wanted, ""


def _is_no_function(function: Callable[..., Any]) -> str:
    """Name what a call would not run: the body of a generator waits for a loop over it; empty for a function."""
    if inspect.isclass(function):
        return f"the class '{function.__name__}'"
    calls = (function, getattr(function, "__call__", None))  # noqa: B004 - of an object, its __call__ is what runs
    if any(inspect.isasyncgenfunction(call) or inspect.isgeneratorfunction(call) for call in calls):
        return "a generator: there is a 'yield' in it"
    return ""


def _check_parameter(
    handler: Handler, parameter: inspect.Parameter, argument: str, arguments: ArgumentsSchema
) -> Iterator[Fault]:
    is_always_there = argument in arguments.document.get("required", ()) or argument in arguments.defaults
    if parameter.default is parameter.empty and not is_always_there:
        text = f"{handler.title} needs '{parameter.name}', which a client may leave out"
        yield text, "a default for the parameter, or for the argument", ""
    declared = _types_of(arguments.properties[argument].document)
    if not _is_accepted(parameter.annotation, declared):
        shown = inspect.formatannotation(parameter.annotation)
        text = f"{handler.title}: '{parameter.name}' is annotated {shown}, but {quoted(declared)} is declared"
        yield text, _python_types(declared), ""


def _check_return(handler: Handler, annotation: Any, result: Document | None) -> Iterator[Fault]:
    if result is None or annotation is inspect.Signature.empty:
        return
    given = json_types_of(annotation)
    declared = _types_of(result)
    wide = declared | ({"integer"} if "number" in declared else set())
    if given and not given & wide:
        shown = inspect.formatannotation(annotation)
        text = f"{handler.title} is annotated to return {shown}, but {quoted(declared)} is declared"
        yield text, _python_types(declared), ""


def _python_types(declared: frozenset[str]) -> str:
    """Write the annotation that takes all of these JSON types, None last."""
    return " | ".join(python for json, python in _PYTHON.items() if json in declared)


def _rendered(handler: Handler) -> str:
    try:
        return str(inspect.signature(handler.function))
    except (TypeError, ValueError):
        return "that cannot be read"


def _types_of(document: Document) -> frozenset[str]:
    """Give the JSON types that a schema names; all of them when it names none."""
    named = document.get("type") if isinstance(document, dict) else None
    if named is None:
        return _ALL_TYPES
    return frozenset([named] if isinstance(named, str) else named)


def _is_accepted(annotation: Any, declared: frozenset[str]) -> bool:
    if annotation is inspect.Parameter.empty or declared == _ALL_TYPES:
        return True
    accepted = json_types_of(annotation)
    return not accepted or declared <= accepted
