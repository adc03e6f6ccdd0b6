"""Middleware around option handlers and actions, joined once at start-up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rtvi_plugins.handlers import HandlerKind, Signature
from rtvi_plugins.hooks.contracts import Call, Middleware
from rtvi_plugins.processor.calling import store_only
from rtvi_plugins.processor.config import RTVIServiceOptionConfig
from rtvi_plugins.processor.tables import RTVIAction, RTVIServiceOption


def wrap_action(middleware: Iterable[Middleware], action: RTVIAction) -> Callable[..., Any]:
    """Give what invokes an action through all middleware, the first one outermost."""
    inner = action.invoke

    async def last(call: Call) -> Any:
        return await inner(call.processor, call.arguments)

    chain = _chain(middleware, last)
    service, name = action.service, action.action
    if Signature.of(action.handler, HandlerKind.ACTION).takes_job:

        def invoke_job(processor: Any, arguments: dict[str, Any], job: Any) -> Any:
            async def with_job(call: Call) -> Any:
                return await inner(call.processor, call.arguments, job)

            return _chain(middleware, with_job)(Call(processor, "action", service, name, arguments))

        return invoke_job
    return lambda processor, arguments: chain(Call(processor, "action", service, name, arguments))


def wrap_option(middleware: Iterable[Middleware], service: str, option: RTVIServiceOption) -> Callable[..., Any]:
    """Give what applies an option through all middleware; an option that is only stored has no call to wrap."""
    inner = option.apply
    if inner is store_only:
        return inner

    async def last(call: Call) -> Any:
        return await inner(
            call.processor, RTVIServiceOptionConfig.model_construct(name=call.name, value=call.arguments["value"])
        )

    chain = _chain(middleware, last)
    return lambda processor, given: chain(Call(processor, "option", service, given.name, {"value": given.value}))


def _chain(middleware: Iterable[Middleware], last: Callable[[Call], Any]) -> Callable[[Call], Any]:
    chain = last
    for one in reversed(tuple(middleware)):
        chain = _link(one, chain)
    return chain


def _link(middleware: Middleware, rest: Callable[[Call], Any]) -> Callable[[Call], Any]:
    return lambda call: middleware(call, rest)
