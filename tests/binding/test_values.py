"""Defaults, initial configuration and shared schemas."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins import Handlers
from rtvi_plugins.testing import RequestError, connect
from tests.binding.conftest import Bind, plugin

BOT = """
manifest: 1
bot: test
$defs:
  Scene: {enum: [day, night]}
  Percent: {type: integer, minimum: 0, maximum: 100}
  Plan:
    type: object
    properties: {scene: {$ref: "#/$defs/Scene"}, level: {$ref: "#/$defs/Percent"}}
    required: [scene]
services:
  room:
    options:
      scene: {$ref: "#/$defs/Scene", default: SCENE, client: none}
      plan: {$ref: "#/$defs/Plan", client: none}
      level: {$ref: "#/$defs/Percent", default: 40, client: none}
      any: {client: none, default: null}
config:
  room: CONFIG
"""

TABLE: dict[str, tuple[str, str, list[str], dict[str, Any]]] = {
    "defaults alone": ("day", "{}", [], {"scene": "day", "level": 40, "any": None}),
    "config over defaults": (
        "day",
        "{scene: night, plan: {scene: day, level: 5}, any: [1]}",
        [],
        {"scene": "night", "level": 40, "any": [1], "plan": {"scene": "day", "level": 5}},
    ),
    "null is a value": ("day", "{any: null}", [], {"scene": "day", "level": 40, "any": None}),
    "default outside a shared schema": ("dusk", "{}", ["services.room.options.scene.default"], {}),
    "config outside a shared schema": ("day", "{level: 101}", ["config.room.level"], {}),
    "config deep inside": (
        "day",
        "{plan: {scene: noon, level: -1}}",
        ["config.room.plan.level", "config.room.plan.scene"],
        {},
    ),
    "config without what is required": ("day", "{plan: {level: 1}}", ["config.room.plan.scene"], {}),
}


@pytest.mark.parametrize(("scene", "config", "faulty", "expected"), TABLE.values(), ids=TABLE.keys())
def test_defaults_and_config(
    binding: Bind, scene: str, config: str, faulty: list[str], expected: dict[str, Any]
) -> None:
    bot, problems = binding.load(BOT.replace("SCENE", scene).replace("CONFIG", config))
    assert sorted(problem.where for problem in problems) == faulty
    assert {problem.slug for problem in problems} <= {"bad-default"}
    if bot is not None:
        assert dict(bot.tables.initial["room"]) == expected
        assert bot.processor_class().config["room"] == expected


@pytest.mark.parametrize(
    ("given", "is_hinted"), [("yes", True), ("Off", True), ("perhaps", False), ('"true"', True), ("1", False)]
)
def test_yaml_words_for_booleans(binding: Bind, given: str, is_hinted: bool) -> None:
    text = f"manifest: 1\nbot: t\nservices: {{s: {{options: {{o: {{type: bool, client: none, default: {given}}}}}}}}}\n"
    _, (problem,) = binding.load(text)
    assert problem.hint == ("write true or false" if is_hinted else "")


def test_own_keys_are_suggested_beside_those_of_json_schema(binding: Bind) -> None:
    text = (
        "manifest: 1\nbot: t\nservices: {s: {options: {o: {type: number, client: none, mutabel: never, minimun: 3}}}}\n"
    )
    _, problems = binding.load(text)
    assert [problem.hint for problem in problems] == ["did you mean 'mutable'?", "did you mean 'minimum'?"]


async def test_argument_schemas_share_definitions(binding: Bind) -> None:
    handlers = Handlers("s")

    @handlers.action("plan")
    async def make_plan(processor: Any, *, plan: dict[str, Any], levels: list[int]) -> dict[str, Any]:
        return {"plan": plan, "levels": levels}

    text = (
        BOT.replace("SCENE", "day")
        .replace("CONFIG", "{}")
        .replace(
            "config:\n  room: {}",
            '  s: {plugin: p, actions: {plan: {arguments: {plan: {$ref: "#/$defs/Plan"}, '
            'levels: {type: array, items: {$ref: "#/$defs/Percent"}, default: [1, 2]}}}}}',
        )
    )
    bot = binding.bot(text, {"p": plugin(handlers)})
    async with connect(bot) as client:
        assert await client.call("s.plan", plan={"scene": "day"}) == {"plan": {"scene": "day"}, "levels": [1, 2]}
        with pytest.raises(RequestError, match=r"plan\.scene: expected one of 'day' or 'night'"):
            await client.call("s.plan", plan={"scene": "dusk"})
        with pytest.raises(RequestError, match=r"levels\.1: must be at most 100"):
            await client.call("s.plan", plan={"scene": "day"}, levels=[1, 101])


FAULTY_DEFS = {
    "unknown type": ("{type: numbr}", "$defs.Celsius.type"),
    "a type's name": ("integer", "$defs.Celsius"),
    "nothing": ("null", "$defs.Celsius"),
    "lost": ('{$ref: "#/$defs/Nowhere"}', "$defs.Celsius.$ref"),
    "no pattern": ('{pattern: "("}', "$defs.Celsius.pattern"),
    "inside": ("{$defs: {A: integer}}", "$defs.Celsius.$defs.A"),
}


@pytest.mark.parametrize(("definition", "where"), FAULTY_DEFS.values(), ids=FAULTY_DEFS)
def test_a_faulty_definition_is_told_once(binding: Bind, definition: str, where: str) -> None:
    text = f"""
        manifest: 1
        bot: t
        $defs:
          Celsius: {definition}
          Range: {{type: object, properties: {{from: {{$ref: "#/$defs/Celsius"}}}}}}
        services: {{s: {{options: {{rate: {{$ref: "#/$defs/Range", client: none, default: 3}}}}}}}}
        functions:
          f: {{arguments: {{a: {{$ref: "#/$defs/Range", default: 3}}}}, result: {{$ref: "#/$defs/Celsius"}}}}
        ui: {{commands: {{c: {{payload: {{items: {{$ref: "#/$defs/Range"}}}}}}}}}}
    """
    bot, problems = binding.load(text)
    assert bot is None
    assert [problem.where for problem in problems] == [where]


def test_own_words_inside_a_schema(binding: Bind) -> None:
    text = """
        manifest: 1
        bot: t
        services: {s: {options: {o: {type: array, secret: true, client: none, items: {type: string, secret: true}}}}}
    """
    _, (problem,) = binding.load(text)
    assert (problem.slug, problem.where) == ("unknown-key", "services.s.options.o.items.secret")
