"""The plugin of the command-line tests; copied as it is into a distribution."""
# ruff: noqa: ASYNC251, T201 - handlers need not use what they get; some misbehave and say when

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, NoReturn

from rtvi_plugins import ActionError, Handlers, hookimpl

kitchen = Handlers("kitchen")
messages = Handlers()


@kitchen.option("heat")
@kitchen.option("mode")
@kitchen.option("tags")
@kitchen.option("is_open")
async def keep(processor: Any, service: str, option: Any) -> None:
    pass


@kitchen.action("add")
async def add(processor: Any, *, a: float, b: float = 1) -> float:
    return a + b


@kitchen.action("greet")
async def greet(processor: Any, *, name: str) -> str:
    return f"Hello, {name}!"


@kitchen.action("echo_back")
async def echo_back(processor: Any, service: str, arguments: dict[str, Any]) -> object:
    return arguments


@kitchen.action("refuse")
async def refuse(processor: Any) -> NoReturn:
    raise ActionError("The oven is off", code="cold")


@kitchen.action("heat_now")
async def heat_now(processor: Any) -> object:
    return processor.config["kitchen"]["heat"]


@kitchen.action("wait")
async def wait(processor: Any) -> None:
    print("waiting", flush=True)
    await asyncio.Event().wait()


@kitchen.action("hang")
def hang(processor: Any) -> None:
    print("hanging", flush=True)
    threading.Event().wait()


@kitchen.action("block")
async def block(processor: Any) -> None:
    print("blocking", flush=True)
    time.sleep(3600)


@messages.message("ping")
async def ping(processor: Any, data: object) -> dict[str, object]:
    return {"pong": data}


class Parrot:
    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object"}

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        pass

    async def respond(self, processor: Any, text: str) -> AsyncIterator[str]:
        if text == "hush":
            raise ActionError("I do not talk", code="shy")
        for word in text.split():
            yield f"{word}! "
        if text == "choke on this":
            raise RuntimeError("a bone")


@hookimpl
def rtvi_handlers() -> list[Handlers]:
    return [kitchen, messages]


@hookimpl
def rtvi_responders() -> Mapping[str, type]:
    return {"parrot": Parrot}
