"""`runtime.formats: check`: the formats of JSON Schema hold; without it they describe."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins import Handlers
from rtvi_plugins.schema import check
from rtvi_plugins.schema.formats import CHECKED
from rtvi_plugins.testing import RequestError, connect

from .conftest import Bind, plugin

# format → a value that has it, and one that has not.
VALUES = {
    "date": ("2024-02-29", "2023-02-29"),
    "date-time": ("2024-02-29T10:00:00Z", "2024-02-29 10:00"),
    "duration": ("P1DT2H", "1 day"),
    "email": ("anna@desk.example", "anna"),
    "hostname": ("desk.example", "-desk-"),
    "idn-email": ("anna@büro.example", "anna"),
    "idn-hostname": ("büro.example", "〮büro"),
    "ipv4": ("10.0.0.1", "10.0.0.256"),
    "ipv6": ("::1", "10.0.0.1"),
    "iri": ("https://büro.example/ä", "büro"),
    "iri-reference": ("/ä", "\\\\a\\b"),
    "json-pointer": ("/a/0", "a/0"),
    "regex": ("a+", "a("),
    "relative-json-pointer": ("1/a", "/a"),
    "time": ("10:00:00Z", "25:00:00Z"),
    "uri": ("https://desk.example/a", "desk"),
    "uri-reference": ("/a?b", "\\\\a\\b"),
    "uri-template": ("https://desk.example/{a}", "https://desk.example/{a"),
    "uuid": ("2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"),
}
BOT = """
manifest: 1
bot: formats
$defs: {{Address: {{type: string, format: email}}}}
services:
  post:
    options:
      value: {{type: string, format: {name}}}
      list: {{type: array, items: {{type: string, format: {name}}}}}
functions:
  f: {{arguments: {{value: {{type: string, format: {name}}}, to: {{$ref: "#/$defs/Address", required: false}}}}}}
{runtime}
"""
CHECK = "runtime: {formats: check}"


def test_every_format_that_is_known_has_an_example() -> None:
    assert VALUES.keys() == CHECKED


@pytest.mark.parametrize("name", VALUES)
def test_known_formats_are_enforced_where_the_manifest_asks_for_it(binding: Bind, name: str) -> None:
    right, wrong = VALUES[name]
    bot = binding.bot(BOT.format(name=name, runtime=CHECK))
    value, items = bot.tables.services["post"].options
    assert check(value.schema, right) == ()
    said = "must be a regular expression" if name == "regex" else f"must be of the format '{name}'"
    assert [str(fault) for fault in check(value.schema, wrong)] == [said]
    assert [str(fault) for fault in check(items.schema, [right, wrong])] == [f"1: {said}"]
    assert [str(fault) for fault in check(items.schema, [right] * 2_000 + [wrong])] == [f"2000: {said}"]
    arguments = bot.tables.functions["f"].arguments
    assert [str(fault) for fault in check(arguments, {"value": wrong})] == [f"value: {said}"]
    assert [str(fault) for fault in check(arguments, {"value": right, "to": "anna"})] == [
        "to: must be of the format 'email'"
    ]


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("runtime", ["", "runtime: {formats: describe}"])
def test_else_they_describe(binding: Bind, name: str, runtime: str) -> None:
    bot = binding.bot(BOT.format(name=name, runtime=runtime))
    assert check(bot.tables.services["post"].options[0].schema, VALUES[name][1]) == ()
    assert bot.tables.services["post"].options[0].schema.document == {"type": "string", "format": name}


async def test_a_client_is_told(binding: Bind) -> None:
    async with connect(binding.bot(BOT.format(name="email", runtime=CHECK))) as client:
        with pytest.raises(RequestError, match="must be of the format 'email'"):
            await client.update_config({"post": {"value": "anna"}})
        assert await client.update_config({"post": {"value": "anna@desk.example"}})


async def test_results_and_rules_are_held_to_formats(binding: Bind) -> None:
    made = Handlers("post")

    @made.action("send")
    async def send(processor: Any, *, to: str = "") -> str:
        return to

    text = """
    manifest: 1
    bot: formats
    services:
      post:
        plugin: post
        actions:
          send:
            arguments: {type: object, properties: {to: {type: string}}, anyOf: [{properties: {to: {format: email}}}]}
            result: {type: string, format: email}
    runtime: {formats: check}
    """
    async with connect(binding.bot(text, {"post": plugin(made)})) as client:
        with pytest.raises(RequestError, match="to: must be of the format 'email'"):
            await client.call("post.send", to="anna")
        with pytest.raises(RequestError) as refused:
            await client.call("post.send")
        assert refused.value.code == "invalid-result"


def test_defaults_and_initial_values(binding: Bind) -> None:
    text = "manifest: 1\nbot: f\nservices: {a: {options: {o: {type: string, format: uri, default: desk}}}}\n" + CHECK
    _, problems = binding.load(text + "\nconfig: {a: {o: shop}}\n")
    assert [(problem.slug, problem.where) for problem in problems] == [
        ("bad-default", "services.a.options.o.default"), ("bad-default", "config.a.o"),
    ]  # fmt: skip


def test_what_nothing_checks_is_a_warning(binding: Bind) -> None:
    text = "manifest: 1\nbot: f\nservices: {a: {options: {o: {type: integer, format: int32}}}}\n"
    assert binding.load(text)[1] == ()
    bot, problems = binding.load(text + CHECK)
    assert bot is not None
    assert [(problem.slug, problem.is_warning) for problem in problems] == [("unknown-format", True)]
