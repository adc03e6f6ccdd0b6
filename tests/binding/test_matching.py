"""Which plugin serves a service, and which handler serves what is declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rtvi_plugins import Handlers, hookimpl
from rtvi_plugins.processor.calling import store_only
from tests.binding.conftest import Bind, plugin


def handlers(service: str | None, *, optional: bool = False, **names: str) -> Handlers:
    """Make handlers `name="option" | "action" | "message"`."""
    made = Handlers(service, optional=optional)
    for name, kind in names.items():
        if kind == "option":

            @made.option(name)
            async def set_option(processor: Any, service: str, option: Any) -> None: ...

        elif kind == "action":

            @made.action(name)
            async def act(processor: Any) -> str:
                return "done"

        else:

            @made.message(name)
            async def hear(processor: Any, data: Any) -> Any:
                return data

    return made


LAMP = handlers("lamp", level="option", dim="action")

BOT = """
    manifest: 1
    bot: test
    services:
"""


def lamp(*lines: str, name: str = "lamp") -> str:
    """Write a bot with the service `lamp`, with lines for it before its options and actions."""
    body = [f"      {name}:", *(f"        {line}" for line in lines)]
    return "\n".join([BOT.rstrip(), *body, "        options: {level: number}", "        actions: {dim: {}}", ""])


SOUND: dict[str, tuple[str, dict[str, object]]] = {
    "plugin named": (lamp("plugin: lights"), {"lights": plugin(LAMP)}),
    "plugin of the service's name": (lamp(), {"lamp": plugin(LAMP)}),
    "the only plugin with handlers for it": (
        lamp(),
        {"lights": plugin(LAMP), "other": plugin(handlers("fan", on="action"))},
    ),
    "named among several": (lamp("plugin: b"), {"a": plugin(LAMP), "b": plugin(LAMP)}),
    "two collections of one plugin": (
        lamp("plugin: lights"),
        {"lights": plugin(handlers("lamp", level="option"), handlers("lamp", dim="action"))},
    ),
    "another name, plugin named": (lamp("plugin: lamp", name="bedside"), {"lamp": plugin(LAMP)}),
    "another name, the plugin's only service": (
        lamp("plugin: lights", name="bedside"),
        {"lights": plugin(handlers("lights", level="option", dim="action"))},
    ),
    "optional handlers left out": (
        lamp("plugin: lights"),
        {"lights": plugin(LAMP, handlers("lamp", optional=True, blink="action", colour="option"))},
    ),
    "more handlers, plugin not named": (lamp(), {"lights": plugin(LAMP, handlers("lamp", blink="action"))}),
    "two services from one plugin": (
        lamp("plugin: home") + "      fan:\n        plugin: home\n        actions: {spin: {}}\n",
        {"home": plugin(LAMP, handlers("fan", spin="action"))},
    ),
    "service twice under two names": (
        lamp("plugin: lamp", name="left")
        + "      right: {plugin: lamp, options: {level: number}, actions: {dim: {}}}\n",
        {"lamp": plugin(LAMP)},
    ),
}


@pytest.mark.parametrize(("text", "plugins"), SOUND.values(), ids=SOUND.keys())
def test_sound(binding: Bind, text: str, plugins: dict[str, object]) -> None:
    bot = binding.bot(text, plugins)
    assert all(option.handler is not None for s in bot.tables.services.values() for option in s.options)
    assert {service for service, _ in bot.actions} == set(bot.tables.services)


NAME_ONE = "name one with `plugin:`"
STORE = "write 'handler: none' to have its value only stored"
NO_SUCH = "the manifest declares no such"
ONLY_FANS = "1 plugin loaded: fans; 'rtvi plugins' shows what each supplies"
FAULTY: dict[str, tuple[str, dict[str, object], list[str]]] = {
    "two plugins could": (
        lamp(),
        {"a": plugin(LAMP), "b": plugin(LAMP)},
        ["services.lamp: plugins 'a' and 'b' both have handlers for it; name one with `plugin:` [ambiguous-plugin]"],
    ),
    "three plugins could": (
        lamp(),
        {"a": plugin(LAMP), "b": plugin(LAMP), "c": plugin(LAMP)},
        [f"services.lamp: plugins 'a', 'b' and 'c' all have handlers for it; {NAME_ONE} [ambiguous-plugin]"],
    ),
    "named plugin has handlers for another service of two": (
        lamp("plugin: home"),
        {"home": plugin(handlers("fan", level="option"), handlers("oven", dim="action"))},
        [
            f"services.lamp.options.level: plugin 'home' (types) has no handler for it; {STORE} [missing-handler]",
            "services.lamp.actions.dim: plugin 'home' (types) has no handler for it [missing-handler]",
        ],
    ),
    "declared nowhere": (
        lamp("plugin: lights"),
        {"lights": plugin(LAMP, handlers("lamp", blink="action"))},
        [f"services.lamp.actions: handler for action lamp.blink: {NO_SUCH} action [unknown-handler]"],
    ),
    "nobody": (
        lamp(),
        {"fans": plugin(handlers("fan", spin="action"))},
        [
            f"services.lamp.actions.dim: no plugin supplies a handler; {ONLY_FANS} [missing-handler]",
        ],
    ),
}


@pytest.mark.parametrize(("text", "plugins", "expected"), FAULTY.values(), ids=FAULTY.keys())
def test_faulty(binding: Bind, text: str, plugins: dict[str, object], expected: list[str]) -> None:
    assert sorted(binding.problems(text, plugins)) == sorted(expected)


def test_used_under_another_name(binding: Bind) -> None:
    """A service taken from `lamp` keeps the handlers for `lamp`, whatever it is called here."""
    binding.write("manifest: 1\noptions: {level: number}\nactions: {dim: {}}\n", "services/lamp.yaml")

    made = plugin(LAMP, handlers("fan", spin="action"))

    @hookimpl
    def rtvi_manifests() -> dict[str, object]:
        return {"lamp": binding.folder / "services" / "lamp.yaml"}

    made.rtvi_manifests = rtvi_manifests  # type: ignore[attr-defined]
    bot = binding.bot(BOT + "      bedside: {use: lamp}\n", {"home": made})
    assert set(bot.actions) == {("bedside", "dim")}


NEEDS = {
    "number": True,
    "{type: number, client: read}": True,
    "{type: number, mutable: start}": True,
    "{type: number, mutable: never}": False,
    "{type: number, client: none}": False,
    "{type: number, handler: none}": False,
}


@pytest.mark.parametrize(("option", "needs_one"), NEEDS.items())
def test_of_a_named_plugin_options_that_somebody_can_change_need_a_handler(
    binding: Bind, option: str, needs_one: bool
) -> None:
    text = BOT + f"      lamp: {{plugin: home, options: {{level: {option}}}}}\n"
    _, problems = binding.load(text, {"home": plugin(handlers("fan", spin="action"), handlers("oven", on="action"))})
    told = [(problem.slug, problem.hint) for problem in problems]
    assert told == [("missing-handler", STORE)] * needs_one


@pytest.mark.parametrize("option", NEEDS)
def test_where_no_plugin_is_named_an_option_is_only_stored(binding: Bind, option: str) -> None:
    text = BOT + f"      lamp: {{options: {{level: {option}, dim: {{type: number, default: 3}}}}}}\n"
    bot = binding.bot(text, {"home": plugin(handlers("fan", spin="action"))})
    assert [(one.name, one.apply is store_only) for one in bot.tables.services["lamp"].options] == [
        ("level", True), ("dim", True),
    ]  # fmt: skip


def test_a_handler_for_some_options_of_a_service(binding: Bind) -> None:
    text = BOT + "      lamp: {options: {level: number, colour: string}}\n"
    bot = binding.bot(text, {"home": plugin(handlers("lamp", level="option"))})
    options = bot.tables.services["lamp"].options
    assert {one.name: one.apply is store_only for one in options} == {"level": False, "colour": True}


def test_handler_none_and_a_handler(binding: Bind) -> None:
    text = BOT + "      lamp: {options: {level: {type: number, handler: none}}}\n"
    (line,) = binding.problems(text, {"home": plugin(handlers("lamp", level="option"))})
    assert line.startswith("services.lamp.options.level.handler: plugin 'home' has a handler for it")
    assert line.endswith("leave 'handler: none' out [unknown-handler]")


SLIPS = {
    "in the handler's name": ("lamp: {options: {rate: number}}", "rte", "did you mean 'rte'?"),
    "in the option's name": ("lamp: {options: {levl: number}}", "level", "did you mean 'level'?"),
    "in the service's name": ("lmap: {options: {level: number}}", "level", "did you mean the service 'lamp'?"),
}


@pytest.mark.parametrize(("service", "handled", "hint"), SLIPS.values(), ids=SLIPS.keys())
def test_a_slip_is_found_where_options_may_do_without(binding: Bind, service: str, handled: str, hint: str) -> None:
    _, problems = binding.load(BOT + f"      {service}\n", {"home": plugin(handlers("lamp", **{handled: "option"}))})
    assert [(problem.slug, problem.hint) for problem in problems] == [("missing-handler", hint)]


def test_a_slip_in_what_is_laid_over_stored_options(binding: Bind) -> None:
    binding.write("manifest: 1\noptions: {level: number, colour: string}\n", "lamp.yaml")
    text = BOT + "      lamp: {use: ./lamp.yaml, options: {levl: {default: 3}, colour: {default: red}, on: bool}}\n"
    _, problems = binding.load(text)
    assert [(problem.where, problem.hint) for problem in problems] == [
        ("services.lamp.options.levl", "did you mean 'level'?")
    ]
    binding.write("manifest: 1\noptions: {level_1: {type: number}, level_2: number}\n", "lamp.yaml")
    assert binding.load(BOT + "      lamp: {use: ./lamp.yaml, options: {level_1: {default: 3}}}\n")[1] == ()


def test_messages(binding: Bind) -> None:
    text = "manifest: 1\nbot: test\nmessages: {echo: {data: object}, wave: {plugin: b}}\n"
    plugins = {"a": plugin(handlers(None, echo="message", wave="message")), "b": plugin(handlers(None, wave="message"))}
    assert set(binding.bot(text, plugins).tables.messages) == {"echo", "wave"}
    assert binding.problems(text.replace("echo", "ecko"), plugins) == [
        "messages.ecko: no plugin supplies a handler; 2 plugins loaded: a, b; did you mean 'echo'? [missing-handler]"
    ]
    assert binding.problems(text.replace(": {plugin: b}", ": {}"), plugins) == [
        "messages.wave: plugins 'a' and 'b' both have a handler for it; name one with `plugin:` [ambiguous-plugin]"
    ]


def test_a_failing_plugin_is_the_news_not_what_it_lacks(binding: Bind) -> None:
    def rtvi_handlers() -> Iterator[Handlers]:
        raise RuntimeError("out of order")

    broken = type("Broken", (), {"rtvi_handlers": staticmethod(hookimpl(rtvi_handlers))})()
    bot, problems = binding.load(lamp("plugin: lamp"), {"lamp": broken})
    assert bot is None
    assert [problem.slug for problem in problems] == ["broken-plugin"]
