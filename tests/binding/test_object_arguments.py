"""`arguments:` as a JSON Schema of an object: rules across arguments, and arguments that nobody declared."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins import Handlers
from rtvi_plugins.schema import check
from rtvi_plugins.testing import RequestError, connect

from .conftest import Bind, plugin

HEAD = """
manifest: 1
bot: post
services:
  post:
    plugin: post
    actions:
      send:
        arguments: """
RULES = (
    "{type: object, title: Send, properties: {email: {type: string}, phone: {type: string}, body: {type: string, "
    "default: Hello}, amount: {type: integer}, unit: {type: string}}, required: [body], "
    "anyOf: [{required: [email]}, {required: [phone]}], dependentRequired: {unit: [amount]}, maxProperties: 4}"
)
PROPERTIES = "type: object, properties: {a: {type: integer}, b: {type: string}, c: {type: string}}"


def handlers() -> Any:
    made = Handlers("post")

    @made.action("send")
    async def send(processor: Any, service: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return arguments

    return plugin(made)


# (arguments, a call, what is said of it); nothing where the call is fine.
CALLS: list[tuple[str, dict[str, Any], list[str]]] = [
    (RULES, {"email": "a"}, []),
    (RULES, {}, ["must have either 'email' or 'phone'"]),
    (
        RULES,
        {"emial": "a"},
        ["must have either 'email' or 'phone'", "emial: not a known argument; did you mean 'email'?"],
    ),
    (RULES, {"phone": "1", "unit": "g"}, ["amount: missing, since 'unit' is given"]),
    (RULES, {"phone": 1}, ["phone: expected string, got integer"]),
    (RULES, {"phone": "1", "email": "", "body": "", "unit": "", "amount": 1}, ["must have at most 4 arguments"]),
    (
        f"{{{PROPERTIES}, oneOf: [{{required: [a]}}, {{required: [b, c]}}]}}",
        {},
        ["must have either 'a' or 'b' and 'c'"],
    ),
    (
        f"{{{PROPERTIES}, oneOf: [{{required: [a]}}, {{required: [b]}}]}}",
        {"a": 1, "b": ""},
        ["must have only one of 'a' and 'b'"],
    ),
    (f"{{{PROPERTIES}, not: {{required: [a, b]}}}}", {"a": 1, "b": ""}, ["must not have 'a' and 'b' together"]),
    (f"{{{PROPERTIES}, minProperties: 1}}", {}, ["must have at least 1 argument"]),
    (f"{{{PROPERTIES}, allOf: [{{minProperties: 1}}, {{anyOf: [{{required: [a]}}]}}]}}", {"b": ""}, ["must have 'a'"]),
    (
        f"{{{PROPERTIES}, if: {{properties: {{a: {{const: 1}}}}, required: [a]}}, then: {{required: [b]}}}}",
        {"a": 1},
        ["b: missing"],
    ),
    (f"{{{PROPERTIES}, if: {{required: [a]}}, then: {{required: [b]}}}}", {"a": 1, "b": ""}, []),
    (f"{{{PROPERTIES}, required: [a]}}", {"b": ""}, ["a: missing"]),
    (f"{{{PROPERTIES}}}", {"d": 1}, ["d: not a known argument"]),
    (f"{{{PROPERTIES}, additionalProperties: true}}", {"d": 1}, []),
    (f"{{{PROPERTIES}, additionalProperties: {{type: integer}}}}", {"d": 1}, []),
    (f"{{{PROPERTIES}, additionalProperties: {{type: integer}}}}", {"d": ""}, ["d: expected integer, got string"]),
    (f"{{{PROPERTIES}, additionalProperties: true, required: [z]}}", {"d": 1}, ["z: missing"]),
    (f"{{{PROPERTIES}, patternProperties: {{'^x-': {{type: integer}}}}}}", {"x-d": 1}, []),
    (
        f"{{{PROPERTIES}, patternProperties: {{'^x-': {{type: integer}}}}}}",
        {"x-d": ""},
        ["x-d: expected integer, got string"],
    ),
    (f"{{{PROPERTIES}, patternProperties: {{'^x-': {{type: integer}}}}}}", {"y": 1}, ["y: not a known argument"]),
    (
        f"{{{PROPERTIES}, anyOf: [{{properties: {{d: {{type: integer}}}}, required: [d]}}, {{required: [a]}}]}}",
        {"d": 1},
        [],
    ),
    (f"{{{PROPERTIES}, propertyNames: {{maxLength: 1}}, additionalProperties: true}}", {"a": 1, "d": 1}, []),
    (f"{{{PROPERTIES}, anyOf: [{{properties: {{a: {{maximum: 3}}}}}}]}}", {"d": 1}, ["d: not a known argument"]),
    (f"{{{PROPERTIES}, anyOf: [{{properties: {{a: {{maximum: 3}}}}}}]}}", {"a": 4}, ["a: must be at most 3"]),
    ("{type: object, properties: {a: {$ref: '#/$defs/A'}}, $defs: {A: {type: integer}}}", {"a": 1}, []),
    (
        "{type: object, properties: {a: {$ref: '#/$defs/A'}}, $defs: {A: {type: integer}}}",
        {"a": ""},
        ["a: expected integer, got string"],
    ),
    (
        "{type: object, properties: {}, anyOf: [{$ref: '#/$defs/A'}], $defs: {A: {properties: {a: {type: integer}}}}}",
        {"a": 1},
        [],
    ),
]


@pytest.mark.parametrize(("arguments", "call", "said"), CALLS, ids=[f"{n} {row[1]}" for n, row in enumerate(CALLS)])
async def test_calls(binding: Bind, arguments: str, call: dict[str, Any], said: list[str]) -> None:
    bot = binding.bot(HEAD.lstrip() + arguments, {"post": handlers()})
    async with connect(bot) as client:
        if not said:
            assert (await client.call("post.send", **call)).items() >= call.items()
            return
        with pytest.raises(RequestError) as refused:
            await client.call("post.send", **call)
        assert refused.value.text == "Invalid arguments for post.send: " + "; ".join(said)
    faults = check(bot.actions["post", "send"].arguments, call)
    assert [str(fault) for fault in faults] == said


async def test_what_is_described_is_what_holds(binding: Bind) -> None:
    bot = binding.bot(HEAD.lstrip() + RULES + "\n        tool: true", {"post": handlers()})
    async with connect(bot) as client:
        (entry,) = await client.describe_actions()
        assert await client.call("post.send", email="a") == {"email": "a", "body": "Hello"}
        (tool,) = client_tools(bot)
    schema = entry["schema"]
    assert schema["anyOf"] == [{"required": ["email"]}, {"required": ["phone"]}]
    assert (schema["dependentRequired"], schema["maxProperties"], schema["title"]) == ({"unit": ["amount"]}, 4, "Send")
    assert (schema["required"], schema["additionalProperties"]) == ([], False)
    assert [one["name"] for one in entry["arguments"]] == ["email", "phone", "body", "amount", "unit"]
    assert tool == schema


def client_tools(bot: Any) -> list[Any]:
    return [tool.parameters for tool in bot.processor_class().tools]


def test_a_function_takes_a_schema_too(binding: Bind) -> None:
    bot = binding.bot("manifest: 1\nbot: f\nfunctions: {f: {arguments: " + RULES + "}}\n")
    function = bot.tables.functions["f"]
    assert [str(fault) for fault in check(function.arguments, {})] == ["must have either 'email' or 'phone'"]


OPEN = f"{{{PROPERTIES}, additionalProperties: true}}"


def typed(binding: Bind, function: Any) -> tuple[Any, Any]:
    made = Handlers("post")
    made.action("send")(function)
    return binding.load(HEAD.lstrip() + OPEN, {"post": plugin(made)})


async def test_a_typed_handler_takes_the_rest(binding: Bind) -> None:
    async def send(processor: Any, *, a: int = 0, b: str = "", c: str = "", mine: int = 7, **rest: Any) -> Any:
        return [a, mine, rest]

    bot, problems = typed(binding, send)
    assert problems == ()
    async with connect(bot) as client:
        assert await client.call("post.send", a=1, **{"odd-name": 2, "rest": 3, "class": 4}) == [
            1, 7, {"odd-name": 2, "rest": 3, "class": 4},
        ]  # fmt: skip
        for name in ("processor", "mine"):
            with pytest.raises(RequestError, match=f"'{name}' cannot be given"):
                await client.ask("post.send", {name: 1})
        assert await client.call("post.send") == [0, 7, {}]


async def test_a_typed_handler_without_rest_is_a_problem(binding: Bind) -> None:
    async def send(processor: Any, *, a: int = 0, b: str = "", c: str = "") -> Any: ...

    _, problems = typed(binding, send)
    (problem,) = problems
    assert problem.slug == "bad-handler"
    assert "has no parameter for arguments that are not declared" in problem.text
