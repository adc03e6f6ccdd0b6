"""The responder `rules`: what it answers, what it runs, and what it refuses to start with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rtvi_plugins import responders
from rtvi_plugins.errors import ActionError
from rtvi_plugins.hooks.host import PluginHost
from rtvi_plugins.responders import RulesResponder
from rtvi_plugins.schema import check_document, compile_value

SETTINGS: dict[str, Any] = {
    "rules": [
        {
            "say": ["turn {state} the {device}", "switch the {device} {state} [please]"],
            "captures": {"state": {"enum": ["on", "off"]}, "device": {"enum": ["lamp", "tv", "living room fan"]}},
            "call": "room.set_device",
            "with": {"device": "{device}", "on": "{state}"},
            "answer": "The {device} is now {state}.",
        },
        {
            "say": ["level {n}"],
            "call": "room.set_level",
            "with": {"level": "{n}", "scene": "reading", "tags": ["{n}", 1]},
            "answer": "{result}",
        },
        {
            "say": ["scene {s}"],
            "captures": {"s": {"$ref": "#/$defs/Scene"}},
            "call": "room.set_level",
            "with": {"level": 5, "scene": "{s}"},
            "answer": "{s}: {result.ok}",
        },
        {
            "say": ["what about {topic}"],
            "call": "knowledge.search",
            "with": {"query": "about {topic} {{here}}"},
            "answer": "{result.0.title}: {result.0.text}",
            "empty": "Nothing about {topic}.",
        },
        {"say": ["hello", "hi [there]"], "answer": "Hello!  How are you?"},
        {"say": ["find {x}"], "call": "knowledge.search", "with": {"query": "{x}"}, "answer": "{result}"},
    ],
    "otherwise": "Pardon?",
}


async def _pieces(responder: RulesResponder, session: Any, text: str) -> list[str]:
    return [piece async for piece in responder.respond(session, text)]


def say(responder: RulesResponder, session: Any, text: str) -> str:
    return "".join(asyncio.run(_pieces(responder, session, text)))


CONVERSATION: dict[str, tuple[str, dict[str, Any], str, list[tuple[str, str, dict[str, Any]]]]] = {
    "captures": (
        "Turn ON the Lamp!",
        {},
        "The Lamp is now ON.",
        [("room", "set_device", {"device": "lamp", "on": True})],
    ),
    "second phrase": (
        "switch the living room fan off please",
        {},
        "The living room fan is now off.",
        [("room", "set_device", {"device": "living room fan", "on": False})],
    ),
    "schema does not fit": ("turn on the radio", {}, "Pardon?", []),
    "number for the argument": (
        "level 21.5",
        {"set_level": "warm"},
        "warm",
        [("room", "set_level", {"level": 21.5, "scene": "reading", "tags": ["{n}", 1]})],
    ),
    "text that is no number goes on": (
        "level high",
        {"set_level": ActionError("argument 'level': expected a number")},
        "argument 'level': expected a number",
        [("room", "set_level", {"level": "high", "scene": "reading", "tags": ["{n}", 1]})],
    ),
    "shared schema": (
        "scene MOVIE night",
        {"set_level": {"ok": True}},
        "MOVIE night: true",
        [("room", "set_level", {"level": 5, "scene": "Movie Night"})],
    ),
    "result path": (
        "What about the spa?",
        {"search": [{"title": "Spa", "text": "open"}]},
        "Spa: open",
        [("knowledge", "search", {"query": "about the spa {here}"})],
    ),
    "empty result": (
        "what about golf",
        {"search": []},
        "Nothing about golf.",
        [("knowledge", "search", {"query": "about golf {here}"})],
    ),
    "missing key": (
        "what about golf",
        {"search": [{"title": "Golf"}]},
        "Nothing about golf.",
        [("knowledge", "search", {"query": "about golf {here}"})],
    ),
    "nothing to say": ("find x", {"search": []}, "Pardon?", [("knowledge", "search", {"query": "x"})]),
    "no action": ("hi there", {}, "Hello!  How are you?", []),
    "no rule": ("good bye", {}, "Pardon?", []),
    "no words": (" ?! ", {}, "Pardon?", []),
    "too many words": ("find " + "x " * 200, {}, "Pardon?", []),
    "as many words as may be": (
        "find " + "x " * 199,
        {"search": "y"},
        "y",
        [("knowledge", "search", {"query": ("x " * 199).strip()})],
    ),
    "too long": ("find " + "x" * 2000, {}, "Pardon?", []),
}


@pytest.mark.parametrize(("text", "results", "answer", "calls"), CONVERSATION.values(), ids=CONVERSATION)
def test_conversation(
    text: str,
    results: dict[str, Any],
    answer: str,
    calls: list[tuple[str, str, dict[str, Any]]],
    bot: Any,
    make_session: Callable[..., Any],
) -> None:
    session = make_session(results)
    assert say(RulesResponder(SETTINGS, bot), session, text) == answer
    assert session.calls == calls


def test_answers_stream_word_by_word(bot: Any, make_session: Callable[..., Any]) -> None:
    responder = RulesResponder(SETTINGS, bot)
    assert asyncio.run(_pieces(responder, make_session(), "hello")) == ["Hello! ", " ", "How ", "are ", "you?"]


def test_other_exceptions_pass(bot: Any, make_session: Callable[..., Any]) -> None:
    session = make_session({"search": RuntimeError("a fault of ours")})
    with pytest.raises(RuntimeError):
        say(RulesResponder(SETTINGS, bot), session, "find x")


def test_a_handler_cannot_change_the_rules(bot: Any, make_session: Callable[..., Any]) -> None:
    responder, session = RulesResponder(SETTINGS, bot), make_session()
    say(responder, session, "level 1")
    session.calls[0][2]["tags"].clear()
    say(responder, session, "level 1")
    assert session.calls[1][2]["tags"] == ["{n}", 1]


def test_otherwise_has_a_default(bot: Any, make_session: Callable[..., Any]) -> None:
    responder = RulesResponder({"rules": [{"say": ["a"], "answer": "b"}]}, bot)
    assert say(responder, make_session(), "c") == "I did not understand that."


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown placeholder in answer": (
        {"say": ["the {device}"], "answer": "{devise}"},
        ["rules[0].answer: '{devise}' is no capture of every phrase of this rule; did you mean 'device'?"],
    ),
    "capture of one phrase only": (
        {"say": ["the {device}", "that"], "answer": "{device}"},
        ["rules[0].answer: '{device}' is no capture of every phrase of this rule"],
    ),
    "result without an action": (
        {"say": ["x"], "answer": "{result}"},
        ["rules[0].answer: '{result}' is no capture of every phrase of this rule"],
    ),
    "path into a capture": (
        {"say": ["x {a}"], "answer": "{a.b}"},
        ["rules[0].answer: '{a.b}' looks into a capture, which is text; only 'result' has parts"],
    ),
    "in empty": (
        {"say": ["x"], "answer": "y", "empty": "{z}"},
        ["rules[0].empty: '{z}' is no capture of every phrase of this rule"],
    ),
    "in with, and result there": (
        {
            "say": ["x {a}"],
            "call": "knowledge.search",
            "with": {"query": "{b} {result}"},
            "answer": "y",
        },
        [
            "rules[0].with.query: '{b}' is no capture of every phrase of this rule",
            "rules[0].with.query: '{result}' is no capture of every phrase of this rule",
        ],
    ),
    "unknown action": (
        {"say": ["x"], "call": "room.set_devise", "answer": "y"},
        ["rules[0].call: the bot has no action 'room.set_devise'; did you mean 'room.set_device'?"],
    ),
    "unknown argument, and one missing": (
        {"say": ["x"], "call": "knowledge.search", "with": {"querry": "x"}, "answer": "y"},
        [
            "rules[0].with.querry: action 'knowledge.search' has no argument 'querry'; did you mean 'query'?",
            "rules[0].with: action 'knowledge.search' needs the argument 'query'",
        ],
    ),
    "pattern": ({"say": ["x", "?"], "answer": "{y}"}, ["rules[0].say[1]: the pattern has no words"]),
    "unused capture schema": (
        {"say": ["x {device}"], "captures": {"devise": "string"}, "answer": "y"},
        ["rules[0].captures: no phrase has a capture 'devise'; did you mean 'device'?"],
    ),
    "broken template": (
        {"say": ["x"], "answer": "a { b"},
        ["rules[0].answer: '{' has no partner; write '{{' for the character itself"],
    ),
}


@pytest.mark.parametrize(("rule", "faults"), FAULTS.values(), ids=FAULTS)
def test_faults(rule: dict[str, Any], faults: list[str], bot: Any) -> None:
    assert compile_value(RulesResponder.settings_schema).is_valid({"rules": [rule]})
    with pytest.raises(ValueError, match="rules") as caught:
        RulesResponder({"rules": [rule]}, bot)
    assert str(caught.value).splitlines() == faults


def test_every_fault_of_every_rule_is_told(bot: Any) -> None:
    with pytest.raises(ValueError, match="rules") as caught:
        RulesResponder({"rules": [rule for rule, _ in FAULTS.values()]}, bot)
    assert len(str(caught.value).splitlines()) == sum(len(faults) for _, faults in FAULTS.values())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("integr", "rules[0].captures.n: "),
        ({"type": "integr"}, "rules[0].captures.n.type: "),
        ({"$ref": "#/$defs/Nothing"}, "rules[0].captures.n.$ref: "),
    ],
)
def test_faulty_capture_schema(written: object, said: str, bot: Any) -> None:
    with pytest.raises(ValueError, match="rules") as caught:
        RulesResponder({"rules": [{"say": ["x {n}"], "captures": {"n": written}, "answer": "{n}"}]}, bot)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(said)


def test_settings_schema_is_sound_closed_and_described() -> None:
    assert check_document(RulesResponder.settings_schema, {}) == ()
    settings = compile_value(RulesResponder.settings_schema)
    assert settings.is_valid(SETTINGS)
    rule = RulesResponder.settings_schema["properties"]["rules"]["items"]
    for part in (RulesResponder.settings_schema, rule):
        assert part["additionalProperties"] is False
        assert all(keywords["description"] for keywords in part["properties"].values())


@pytest.mark.parametrize(
    "settings",
    [
        {"rules": []},
        {"rules": [{"say": [], "answer": "x"}]},
        {"rules": [{"say": ["x"]}]},
        {"rules": [{"say": ["x"], "answer": "y", "with": {"a": 1}}]},
        {"rules": [{"say": ["x"], "answer": "y", "call": "room"}]},
        {"rules": [{"say": ["x"], "answer": "y", "captures": {"a b": "string"}}]},
        {"rules": [{"say": ["x"], "answer": "y", "replies": "z"}]},
        {"rules": [{"say": ["x"], "answer": "y"}], "else": "z"},
    ],
)
def test_settings_that_the_schema_refuses(settings: dict[str, Any]) -> None:
    assert not compile_value(RulesResponder.settings_schema).is_valid(settings)


def test_phrases_for_a_grammar(bot: Any) -> None:
    said = [text for phrase in RulesResponder(SETTINGS, bot).phrases() for text in phrase.expand()]
    assert said[:3] == ["turn on the lamp", "turn on the tv", "turn on the living room fan"]
    assert {"level {n}", "scene Movie Night", "hi there", "hi"} <= set(said)


def test_both_come_through_the_hook() -> None:
    host = PluginHost.discover({"builtin": responders}, only=())
    assert host.problems == ()
    assert {name: cls for name, (_, cls) in host.responders().items()} == {
        "echo": responders.EchoResponder,
        "rules": RulesResponder,
    }
