"""The original form of handlers under whatever names, as most bots write it: in a plugin and registered by code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rtvi_plugins import (
    Handlers,
    RTVIAction,
    RTVIActionArgument,
    RTVIProcessor,
    RTVIService,
    RTVIServiceOption,
)
from rtvi_plugins.testing import connect
from tests.binding.conftest import Bind, plugin
from tests.binding.test_signatures import BOT, FORMS, check

DECLARED = "{arguments: {text: string, loud: {type: boolean, default: false}}}"
NONE = "{}"


def told(processor: Any, service: Any, given: Any) -> list[Any]:
    """Say what a handler got, so that a test sees that each value came to its place."""
    is_option = not isinstance(given, Mapping)
    return [isinstance(processor, RTVIProcessor), service, given.value if is_option else dict(given)]


async def rtvi_names(rtvi: Any, service: str, args: dict[str, Any]) -> Any:
    return told(rtvi, service, args)


async def underscores(_rtvi: Any, _service: Any, arguments: Any) -> Any:
    return told(_rtvi, _service, arguments)


async def action_id(processor: RTVIProcessor, action_id: str, args: Mapping[str, Any]) -> Any:
    return told(processor, action_id, args)


async def written_before(processor: Any, service: Any, arguments: Any) -> Any:
    return told(processor, service, arguments)


async def positional_only(p: Any, s: Any, a: Any, /) -> Any:
    return told(p, s, a)


async def and_defaults(p: Any, s: Any, a: Any, retries: int = 3, *, log: Any = None) -> Any:
    return told(p, s, a)


async def and_rest(p: Any, s: Any, a: Any, **rest: Any) -> Any:
    return told(p, s, a)


async def tenant_first(tenant: str, rtvi: Any, service: str, args: Any) -> Any:
    assert tenant == "hotel"
    return told(rtvi, service, args)


async def tenant_by_name(rtvi: Any, service: str, args: Any, tenant: str) -> Any:
    assert tenant == "hotel"
    return told(rtvi, service, args)


def plain(rtvi: Any, service: str, args: Any) -> Any:
    return told(rtvi, service, args)


class Bot:
    async def handle(self, rtvi: Any, service: str, args: Any) -> Any:
        return told(rtvi, service, args)

    @classmethod
    async def of_class(cls, rtvi: Any, service: str, args: Any) -> Any:
        return told(rtvi, service, args)

    @staticmethod
    async def static(rtvi: Any, service: str, args: Any) -> Any:
        return told(rtvi, service, args)

    async def __call__(self, rtvi: Any, service: str, args: Any) -> Any:
        return told(rtvi, service, args)


def keeping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


def hiding(function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


ORIGINAL: dict[str, Callable[..., Any]] = {
    "rtvi, service, args": rtvi_names,
    "underscores": underscores,
    "action_id": action_id,
    "as documented": written_before,
    "lambda": lambda p, s, a: [*told(p, s, a)],
    "positional only": positional_only,
    "defaults behind": and_defaults,
    "rest behind": and_rest,
    "plain def": plain,
    "method": Bot().handle,
    "class method": Bot.of_class,
    "static method": Bot.static,
    "callable object": Bot(),
    "partial of a first value": functools.partial(tenant_first, "hotel"),
    "partial by name": functools.partial(tenant_by_name, tenant="hotel"),
    "partial of a method": functools.partial(Bot().handle),
    "decorated": keeping(rtvi_names),
    "decorated method": keeping(Bot().handle),
    "decorated without its parameters": hiding(rtvi_names),
}
FUNCTIONS = pytest.mark.parametrize("function", ORIGINAL.values(), ids=ORIGINAL.keys())


@FUNCTIONS
@pytest.mark.parametrize("action", [DECLARED, NONE], ids=["arguments", "none"])
async def test_action_of_a_plugin(binding: Bind, function: Callable[..., Any], action: str) -> None:
    handlers = Handlers("s")
    handlers.action("a")(function)
    bot = binding.bot(BOT.format(action=action), {"p": plugin(handlers)})
    async with connect(bot) as client:
        given = {"text": "hi"} if action is DECLARED else {}
        got = {"text": "hi", "loud": False} if action is DECLARED else {}
        assert await client.call("s.a", **given) == [True, "s", got]
        assert await client.action("s", "a", given) == [True, "s", got]


@FUNCTIONS
async def test_action_registered_by_code(function: Callable[..., Any]) -> None:
    processor = RTVIProcessor()
    processor.register_action(RTVIAction("s", "a", [RTVIActionArgument("text")], handler=function))
    async with connect(processor) as client:
        assert await client.action("s", "a", {"text": "hi"}) == [True, "s", {"text": "hi"}]
        assert await processor.run_action("s", "a", {"text": "ho"}) == [True, "s", {"text": "ho"}]


@FUNCTIONS
async def test_option_of_a_plugin(binding: Bind, function: Callable[..., Any]) -> None:
    seen: list[Any] = []

    @functools.wraps(function)
    async def noting(*args: Any, **kwargs: Any) -> None:
        result = function(*args, **kwargs)
        seen.append(result if isinstance(result, list) else await result)

    handlers = Handlers("s")
    handlers.option("o")(noting)
    text = "manifest: 1\nbot: test\nservices: {s: {plugin: p, options: {o: number}}}\n"
    async with connect(binding.bot(text, {"p": plugin(handlers)})) as client:
        await client.update_config({"s": {"o": 3}})
    assert seen == [[True, "s", 3]]


@FUNCTIONS
async def test_option_registered_by_code(function: Callable[..., Any]) -> None:
    processor = RTVIProcessor()
    processor.register_service(RTVIService("s", [RTVIServiceOption("o", "number", function)]))
    async with connect(processor) as client:
        assert await client.update_config({"s": {"o": 3}}) == {"s": {"o": 3}}


async def test_job_in_the_original_form(binding: Bind) -> None:
    handlers = Handlers("s")
    handlers.action("a")(rtvi_names)
    bot = binding.bot(BOT.format(action="{job: true, arguments: {text: string}}"), {"p": plugin(handlers)})
    async with connect(bot) as client:
        await client.call("s.a", text="hi")
        while client.received[-1]["data"].get("kind") != "group_completed":
            await client.next("ui-job-group")
        assert client.received[-2]["data"]["response"] == [True, "s", {"text": "hi"}]


async def test_names_of_arguments_do_not_hide_what_code_registered() -> None:
    """`service` is an argument of this action, and a parameter: only the original form can be meant."""
    processor = RTVIProcessor()
    arguments = [RTVIActionArgument("service"), RTVIActionArgument("text")]
    processor.register_action(RTVIAction("s", "a", arguments, handler=rtvi_names))
    async with connect(processor) as client:
        assert await client.action("s", "a", {"service": "x"}) == [True, "s", {"service": "x"}]


async def arguments_by_position(processor: Any, text: Any, loud: Any) -> Any:
    return [text, loud]


async def test_arguments_by_position_stay_the_typed_form(binding: Bind) -> None:
    handlers = Handlers("s")
    handlers.action("a")(arguments_by_position)
    async with connect(binding.bot(BOT.format(action=DECLARED), {"p": plugin(handlers)})) as client:
        assert await client.call("s.a", text="hi") == ["hi", False]


async def slip(processor: Any, first: str, second: bool) -> Any: ...
async def text_first(processor: Any, args: dict[str, Any], service: str) -> Any: ...
async def two(rtvi: Any, args: Any) -> Any: ...
async def four(rtvi: Any, service: str, args: Any, extra: Any) -> Any: ...
async def keyword(rtvi: Any, service: str, args: Any, *, needed: Any) -> Any: ...
async def default(rtvi: Any, service: str, args: Any = None) -> Any: ...


@pytest.mark.parametrize("function", [slip, text_first, two, four, keyword, default])
@pytest.mark.parametrize("action", [DECLARED, NONE], ids=["arguments", "none"])
def test_what_is_refused_is_told_both_forms(binding: Bind, function: Callable[..., Any], action: str) -> None:
    lines = check(binding, function, action)
    assert lines
    assert any(FORMS in line for line in lines)
    assert all("not declared" in line or "no parameter for" in line for line in lines)


async def two_values(processor: Any, option: Any) -> None: ...
async def four_values(processor: Any, service: str, option: Any, more: Any) -> None: ...
async def value_and_default(processor: Any, option: Any, fade: bool = True) -> None: ...


@pytest.mark.parametrize("function", [two_values, four_values, value_and_default])
def test_options_that_are_refused_are_told_the_form(binding: Bind, function: Callable[..., Any]) -> None:
    handlers = Handlers("s")
    handlers.option("o")(function)
    text = "manifest: 1\nbot: test\nservices: {s: {plugin: p, options: {o: number}}}\n"
    (line,) = binding.problems(text, {"p": plugin(handlers)})
    assert line.endswith("; expected (processor, service, option) [bad-handler]")
