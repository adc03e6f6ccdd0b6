"""Initial values that are refused, by their schema or by their handler: never the current ones, and told once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from rtvi_plugins import ActionError, RTVIProcessor, RTVIServiceOptionConfig
from rtvi_plugins.processor.tables import Tables
from tests.hosts import make
from tests.processor.conftest import Told, config, service, session

OURS = "rtvi_plugins.processor"


class Handler(Told):
    """Notes what it is told; refuses `no` in words, fails at `fail`."""

    async def option(self, processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:
        """Handle an option."""
        await super().option(processor, service, option)
        if option.value == "no":
            raise ActionError("not that one")
        if option.value == "fail":
            raise RuntimeError("this text is for the log alone")


CASES: dict[str, tuple[dict[str, Any], Any, Any, list[Any], Any]] = {
    # the option, the bot's own value, what the session began with, what the handler was told, what it is then
    "sound": ({"type": "string"}, None, "a", ["a"], "a"),
    "refused by the schema": ({"type": "number"}, None, "0.3", [], None),
    "refused by the schema, with a default": ({"type": "number", "default": 1}, None, "0.3", [1], 1),
    "refused by the schema, over the bot's own": ({"type": "number", "default": 1}, 2, "0.3", [2], 2),
    "not JSON": ({"type": "array"}, None, [{1}], [], None),
    "a default that does not fit": ({"type": "number", "default": "x"}, None, None, [], None),
    "a default that does not fit, below": ({"type": {"enum": ["fail"]}, "default": "x"}, None, "fail", ["fail"], None),
    "refused by its handler": ({}, None, "no", ["no"], None),
    "refused by its handler, with a default": ({"default": "d"}, None, "no", ["no", "d"], "d"),
    "refused by its handler, over the bot's own": ({"default": "d"}, "own", "no", ["no", "own"], "own"),
    "the bot's own is refused, too": ({"default": "d"}, "fail", "no", ["no", "fail", "d"], "d"),
    "the bot's own is refused": ({"default": "d"}, "no", None, ["no", "d"], "d"),
    "everything is refused": ({"default": "no"}, "fail", None, ["fail", "no"], "no"),
    "everything is refused, without a default": ({}, "fail", "no", ["no", "fail"], None),
    "failed in its handler": ({"default": "d"}, None, "fail", ["fail", "d"], "d"),
    "only the bot may change it": ({"default": 1, "type": "number", "mutable": "never"}, None, "x", [1], 1),
}  # fmt: skip


def prepared(told: Handler, option: dict[str, Any], own: Any, given: Any, **others: Any) -> Any:
    """Make a processor: its class has the bot's own configuration, its constructor gets what a session begins with."""
    tables = Tables() if own is None else Tables(config={"s": {"o": own}})
    cls = type("Made", (RTVIProcessor,), {"__slots__": (), "tables": tables})
    rtvi = make(cls, config=None if given is None else config({"s": {"o": given}}))
    rtvi.register_service(service("s", told.option, **({"o": option} | others)))
    return rtvi


@pytest.mark.parametrize(("option", "own", "given", "expected", "after"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("version", [None, "2.1.0"])
async def test_what_is_current_was_taken(
    version: str | None, option: dict[str, Any], own: Any, given: Any, expected: list[Any], after: Any
) -> None:
    told = Handler()
    rtvi = prepared(told, option, own, given, other={"default": "still"})
    current = {"other": "still"} if after is None else {"o": after, "other": "still"}
    async with session(rtvi, version=version) as client:
        ready = next(m["data"] for m in client.received if m["type"] == "bot-ready")
        shown = {o["name"]: o["value"] for entry in ready["config"] for o in entry["options"]}
        assert (shown, await client.get_config()) == (current, {"s": current})
        assert dict(rtvi.config["s"]) == current
        assert [value for _, name, value in told if name == "o"] == expected
        assert ("s", "other", "still") in told


ONE_LINE = {
    "schema": ({"type": "number"}, "0.3", "Invalid initial configuration: s.o: expected number, got string"),
    "handler, in words": ({}, "no", "Option s.o was refused: not that one (initial configuration)"),
    "handler, by failing": ({}, "fail", "option s.o failed"),
    "secret": ({"type": "number", "secret": True}, "kept quiet", "Invalid initial configuration: s.o: expected number"),
    "secret, in words": ({"secret": True}, "no", "Option s.o was refused (initial configuration)"),
}


@pytest.mark.parametrize(("option", "given", "text"), ONE_LINE.values(), ids=ONE_LINE.keys())
async def test_one_line_is_logged_and_the_client_told_once(
    option: dict[str, Any], given: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with session(prepared(Handler(), option, None, given)) as client:
            assert len([m for m in client.received if m["type"] == "error"]) == 1
    lines = [record.getMessage() for record in caplog.records if record.name.startswith(OURS)]
    assert len(lines) == 1
    assert text in lines[0]
    assert "kept quiet" not in caplog.text


async def test_no_plugin_ever_sees_a_value_that_does_not_fit() -> None:
    rtvi = prepared(Handler(), {"type": "number", "default": 1}, None, "0.3")
    assert dict(rtvi.config["s"]) == {"o": 1}


async def test_a_service_that_comes_late_begins_with_its_defaults() -> None:
    told = Handler()
    rtvi = make(config=config({"late": {"o": "a"}}))
    async with session(rtvi) as client:
        rtvi.register_service(service("late", told.option, o="string", p={"default": "d"}))
        assert await client.get_config() == {"late": {"p": "d"}}


async def test_a_service_that_replaces_another_keeps_what_still_fits() -> None:
    told = Handler()
    rtvi = make(config=config({"s": {"a": 3, "b": 4, "gone": 5}}))
    rtvi.register_service(service("s", told.option, a="number", b="number", gone="number"))
    async with session(rtvi) as client:
        rtvi.register_service(service("s", told.option, a="number", b={"type": "string", "default": "x"}))
        assert await client.get_config() == {"s": {"a": 3, "b": "x"}}
