"""What a careless plugin does: installed as `edge` for the bots of these tests."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from rtvi_plugins import ActionError, Handlers, hookimpl

edge = Handlers("edge")
app = Handlers()


class Panic(BaseException):
    """As extensions written in Rust raise it."""


RAISED: Mapping[str, Callable[[], BaseException]] = {
    "GeneratorExit": GeneratorExit,
    "BaseExceptionGroup": lambda: BaseExceptionGroup("group", [KeyboardInterrupt()]),
    "panic": Panic,
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": SystemExit,
    "CancelledError": asyncio.CancelledError,
}


@edge.action("add")
async def add(processor: Any, *, a: float, b: float) -> float:
    return a + b


@edge.action("raise_at_once")
async def raise_at_once(processor: Any, *, kind: str) -> Any:
    error = RAISED[kind]()
    raise error


@edge.action("raise_later")
async def raise_later(processor: Any, *, kind: str) -> Any:
    await asyncio.sleep(0.01)
    error = RAISED[kind]()
    raise error


@edge.action("raise_in_thread")
def raise_in_thread(processor: Any, *, kind: str) -> Any:
    error = RAISED[kind]()
    raise error


@edge.action("raise_text")
async def raise_text(processor: Any, *, text: str) -> Any:
    raise ValueError(text)


@edge.action("refuse")
async def refuse(processor: Any, *, text: str) -> Any:
    raise ActionError(text)


async def _cling() -> None:
    """Go on, whoever cancels it."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


@edge.action("cling")
async def cling(processor: Any) -> Any:
    await _cling()


@edge.action("cling_thread")
def cling_thread(processor: Any) -> Any:
    time.sleep(3600)


@edge.action("cling_job")
async def cling_job(processor: Any, job: Any) -> Any:
    await _cling()


@edge.action("cling_job_thread")
def cling_job_thread(processor: Any, job: Any) -> Any:
    time.sleep(3600)


@edge.action("block")
async def block(processor: Any) -> Any:
    sys.stdout.write("blocking\n")
    sys.stdout.flush()
    threading.Event().wait(3600)


@edge.action("hold")
async def hold(processor: Any, *, seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return True


@edge.option("cling_option")
async def cling_option(processor: Any, service: str, option: Any) -> None:
    if option.value:
        await _cling()


@edge.option("fails_at")
async def fails_at(processor: Any, service: str, option: Any) -> None:
    if option.value:
        raise ValueError("private")


@app.message("cling")
async def cling_message(processor: Any, data: Any) -> Any:
    await _cling()


@app.event("cling")
async def cling_event(processor: Any, payload: Any) -> Any:
    await _cling()


class Clinging:
    """A responder that never comes to its end."""

    settings_schema: Mapping[str, Any] = {"type": "object"}

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        del settings, bot

    async def respond(self, processor: Any, text: str) -> AsyncIterator[str]:
        yield "Well"
        await _cling()


@hookimpl
def rtvi_handlers() -> list[Handlers]:
    return [edge, app]


@hookimpl
def rtvi_responders() -> Mapping[str, type[Any]]:
    return {"clinging": Clinging}


@hookimpl
async def rtvi_session_ended(processor: Any, reason: str) -> None:
    if processor.config["edge"]["hang"]:
        await _cling()
