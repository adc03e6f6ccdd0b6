"""Calling handlers, whatever their form: original or typed, coroutine or plain function.

Plain functions run in threads (`threads`), so that one that blocks holds up nobody else.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from rtvi_plugins.errors import ActionError
from rtvi_plugins.handlers import Form, HandlerKind, Signature, parameter_name
from rtvi_plugins.processor.threads import THREADS
from rtvi_plugins.schema import ArgumentsSchema

Invoke = Callable[..., Awaitable[Any]]
"""`invoke(processor, arguments)`: run an action's handler, whatever its form; one that takes its job gets it third."""
Apply = Callable[[Any, Any], Awaitable[Any]]
"""`apply(processor, option)`: run an option's handler; `option` has `name` and `value`."""


def as_coroutine(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Give a function whose call can be awaited: coroutine functions as they are, plain ones through a thread."""
    # The plain case first: reading a whole signature takes 50 us, and a large bot has thousands of handlers.
    if inspect.iscoroutinefunction(function) or Signature.of(function, HandlerKind.MESSAGE).is_async:
        return function
    return functools.partial(THREADS.run, function)


async def store_only(_processor: Any, _option: Any) -> None:
    """Stand in for an option without a handler: its value is only stored."""


def option_apply(service: str, handler: Callable[..., Any] | None) -> Apply:
    """Hide the form of an option handler."""
    if handler is None:
        return store_only
    call = as_coroutine(handler)
    return lambda processor, option: call(processor, service, option)


def _is_original(signature: Signature, filled: Collection[str]) -> bool:
    """Return whether a handler takes its arguments in one mapping.

    filled: the parameters that the action's arguments would fill in the typed form. A handler that needs three values
            and would not get them from its arguments can only be of the original form, as `register_action` always
            took it; in a plugin such names are a problem (`binding.signatures`).
    """
    if signature.form_for(filled) is not Form.TYPED:
        return True
    needed = {name for name, p in signature.parameters.items() if p.default is p.empty}
    return signature.is_threefold and not needed <= set(filled)


def typed_call(handler: Callable[..., Any], arguments: ArgumentsSchema) -> Callable[..., Awaitable[Any]] | None:
    """Give what can be called with the processor and the arguments by their names; None for handlers of other forms."""
    if arguments.is_open:
        return None  # the names have to be looked at first
    signature = Signature.of(handler, HandlerKind.ACTION)
    names = list(arguments.properties)
    filled = list(map(parameter_name, names))
    if names != filled or signature.takes_job or _is_original(signature, filled):
        return None
    return as_coroutine(handler)


def action_invoke(service: str, handler: Callable[..., Any], arguments: ArgumentsSchema) -> Invoke:
    """Hide the form of an action handler."""
    signature = Signature.of(handler, HandlerKind.ACTION)
    call = as_coroutine(handler)
    renamed = {name: parameter_name(name) for name in arguments.properties}
    if _is_original(signature, renamed.values()):
        return lambda processor, given: call(processor, service, given)
    if arguments.is_open:
        fill = _filling(handler, renamed)
        if signature.takes_job:
            return lambda processor, given, job: call(processor, job, **fill(given))
        return lambda processor, given: call(processor, **fill(given))
    if signature.takes_job:
        return lambda processor, given, job: call(processor, job, **{renamed[n]: value for n, value in given.items()})
    if all(old == new for old, new in renamed.items()):
        return lambda processor, given: call(processor, **given)
    return lambda processor, given: call(processor, **{renamed[name]: value for name, value in given.items()})


def _filling(handler: Callable[..., Any], renamed: Mapping[str, str]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Give what names the parameters of a call that may have arguments which nothing declares.

    Those are for `**kwargs` alone: they can neither stand in for the processor nor fill a parameter that is the
    handler's own.
    """
    own = (
        p for p in inspect.signature(handler).parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    )
    taken = {*renamed.values(), *(parameter.name for parameter in own)}

    def fill(given: Mapping[str, Any]) -> dict[str, Any]:
        for name in given:
            if name not in renamed and name in taken:
                raise ActionError(f"'{name}' cannot be given", code="invalid-arguments")
        return {renamed.get(name, name): value for name, value in given.items()}

    return fill
