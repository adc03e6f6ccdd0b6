"""Processors made by hand, joined to a client in memory; after each session nothing of it may be left."""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from rtvi_plugins import (
    RTVIAction,
    RTVIActionArgument,
    RTVIConfig,
    RTVIProcessor,
    RTVIService,
    RTVIServiceConfig,
    RTVIServiceOption,
    RTVIServiceOptionConfig,
)
from rtvi_plugins.testing import Client, MemoryPort
from tests.coroutines import pytest_pyfunc_call
from tests.hosts import connect, make, on_host, pytest_configure, pytest_generate_tests


def quick(*, responder: Any = None, **limits: float) -> Callable[..., RTVIProcessor]:
    """Give what makes processors with other limits: names as in `runtime.limits`, times in seconds."""
    body = {"limits": MappingProxyType({**RTVIProcessor.limits, **limits}), "responder": responder, "__slots__": ()}
    return functools.partial(make, type("Quick", (RTVIProcessor,), body))


def talking(responder: Any, **limits: float) -> RTVIProcessor:
    """Make a processor whose responder answers `send-text`."""
    return quick(responder=responder, **limits)()


def config(values: Mapping[str, Mapping[str, Any]]) -> RTVIConfig:
    """Write initial values as the original API takes them."""
    return RTVIConfig(
        config=[
            RTVIServiceConfig(
                service=service,
                options=[RTVIServiceOptionConfig(name=name, value=value) for name, value in options.items()],
            )
            for service, options in values.items()
        ]
    )


class Told(list[Any]):
    """What handlers were told, in order. `fail_on`: values at which one raises; `waits`: those at which one waits."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_on: list[Any] = []
        self.waits: list[tuple[Any, asyncio.Event]] = []

    async def option(self, processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:
        """Handle an option."""
        del processor
        entry = (service, option.name, option.value)
        self.append(entry)
        for value, event in self.waits:
            if value == option.value:
                await event.wait()
        if option.value in self.fail_on:
            raise RuntimeError("this text is for the log alone")


def service(name: str, handler: Callable[..., Any] | None, /, **options: Mapping[str, Any] | str) -> RTVIService:
    """Make a service: option → type, or the keywords of `RTVIServiceOption`."""
    made = [
        RTVIServiceOption(option, handler=handler, **({"type": given} if isinstance(given, str) else dict(given)))
        for option, given in options.items()
    ]
    return RTVIService(name, made)


def action(
    name: str, handler: Callable[..., Any], arguments: Iterable[RTVIActionArgument] = (), **keywords: Any
) -> RTVIAction:
    """Make an action from `service.action`."""
    service_name, _, action_name = name.partition(".")
    return RTVIAction(service_name, action_name, arguments, handler=handler, **keywords)


def assert_idle(processor: RTVIProcessor) -> None:
    """Check that a session that ended left nothing behind."""
    left = {
        name: value
        for name in ("_running", "_workers", "_readers", "_not_begun", "_turn", "_waiting", "_waiting_timer", "_calls")
        if (value := getattr(processor, name, None))
    }
    assert left == {}
    unanswered = processor._unanswered
    assert unanswered is None or len(unanswered) == 0
    lock = processor._config_lock
    assert lock is None or not lock.locked()
    assert not [lock for lock in (processor._locks or {}).values() if lock.locked()]


__all__ = ["on_host", "pytest_configure", "pytest_generate_tests", "pytest_pyfunc_call"]


class Talk(Client):
    """The client that `session` gives, with what is at the other end."""

    processor: RTVIProcessor
    port: MemoryPort

    def answers(self, id_: str) -> list[dict[str, Any]]:
        """Give every message that carries an id."""
        return [message for message in self.received if message.get("id") == id_]


@asynccontextmanager
async def session(processor: Any, **keywords: Any) -> AsyncIterator[Any]:
    """Open a session, and see that nothing is left of it afterwards."""
    async with connect(processor, **keywords) as client:
        client.answers = types.MethodType(Talk.answers, client)  # type: ignore[attr-defined]
        yield client
    assert_idle(client.processor)  # type: ignore[attr-defined]
