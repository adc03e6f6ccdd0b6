"""Middleware: order, wrapping of actions and options, refusing, changing."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins import ActionError, Bot, Call, CallNext, Handlers, hookimpl
from rtvi_plugins.testing import RequestError, connect
from tests.binding.conftest import Bind, plugin

BOT = """
manifest: 1
bot: test
services:
  lamp:
    plugin: lamp
    options:
      level: {type: number, default: 1}
      note: {type: string, default: "", mutable: never}
    actions:
      double: {arguments: {x: number, y: {type: number, default: 1}}, result: number}
"""


def bot_with(binding: Bind, log: list[str], *middleware: Any) -> Bot:
    handlers = Handlers("lamp")

    @handlers.option("level")
    async def set_level(processor: Any, service: str, option: Any) -> None:
        log.append(f"level={option.value}")

    @handlers.action("double")
    async def double(processor: Any, *, x: float, y: float) -> float:
        log.append(f"double({x},{y})")
        return 2 * x * y

    def supplying(*functions: Any) -> Any:
        @hookimpl
        def rtvi_middleware() -> list[Any]:
            return list(functions)

        return rtvi_middleware

    plugins = {
        "lamp": plugin(handlers, rtvi_middleware=supplying(*middleware[:2])),
        "second": plugin(rtvi_middleware=supplying(*middleware[2:])),
    }
    return binding.bot(BOT, plugins)


def noting(log: list[str], name: str) -> Any:
    async def middleware(call: Call, call_next: CallNext) -> Any:
        log.append(f">{name}")
        result = await call_next(call)
        log.append(f"<{name}")
        return result

    return middleware


async def test_order(binding: Bind) -> None:
    """Plugins by name, functions as given, the first outermost; options too; what is only stored is no call."""
    log: list[str] = []
    bot = bot_with(binding, log, noting(log, "a"), noting(log, "b"), noting(log, "c"))
    async with connect(bot) as client:
        # The initial configuration goes to its handler like any other value.
        assert log == [">a", ">b", ">c", "level=1", "<c", "<b", "<a"]
        log.clear()
        assert await client.call("lamp.double", x=3) == 6
        assert log == [">a", ">b", ">c", "double(3,1)", "<c", "<b", "<a"]
        log.clear()
        await client.update_config({"lamp": {"level": 5}})
        assert log == [">a", ">b", ">c", "level=5", "<c", "<b", "<a"]
        log.clear()
        assert await client.processor.run_action("lamp", "double", {"x": 1}) == 2  # type: ignore[attr-defined]
        await client.processor.set_option("lamp", "level", 2)  # type: ignore[attr-defined]
        assert log.count(">a") == 2


async def test_what_a_call_says(binding: Bind) -> None:
    calls: list[Call] = []

    async def keep(call: Call, call_next: CallNext) -> Any:
        calls.append(call)
        return await call_next(call)

    async with connect(bot_with(binding, [], keep)) as client:
        await client.call("lamp.double", x=3)
        await client.update_config({"lamp": {"level": 5}})
    told = [(call.kind, call.service, call.name, call.arguments) for call in calls]
    assert told == [
        ("option", "lamp", "level", {"value": 1}),
        ("action", "lamp", "double", {"x": 3, "y": 1}),
        ("option", "lamp", "level", {"value": 5}),
    ]
    assert {id(call.processor) for call in calls} == {id(client.processor)}  # type: ignore[attr-defined]


async def test_refusing_and_changing(binding: Bind) -> None:
    async def guard(call: Call, call_next: CallNext) -> Any:
        if call.arguments.get("value") == 13 or call.arguments.get("x") == 13:
            raise ActionError("not 13", code="unlucky")
        result = await call_next(call)
        return result + 1 if call.kind == "action" else result

    log: list[str] = []
    async with connect(bot_with(binding, log, guard)) as client:
        assert await client.call("lamp.double", x=3) == 7
        log.clear()
        with pytest.raises(RequestError, match="not 13") as refused:
            await client.call("lamp.double", x=13)
        assert refused.value.code == "unlucky"
        with pytest.raises(RequestError, match=r"Option lamp\.level was refused: not 13"):
            await client.update_config({"lamp": {"level": 13}})
        assert log == []
        assert (await client.get_config())["lamp"]["level"] == 1


async def test_a_raising_middleware_leaks_nothing(binding: Bind, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(call: Call, call_next: CallNext) -> Any:
        if call.kind == "action":
            raise RuntimeError("inner matters")
        return await call_next(call)

    async with connect(bot_with(binding, [], broken)) as client:
        with pytest.raises(RequestError) as failed:
            await client.call("lamp.double", x=3)
    assert failed.value.text == "The action failed"
    assert "inner matters" in caplog.text
