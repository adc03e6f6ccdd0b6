"""The two forms of `arguments:`: which one is meant, what is laid over them, and where their places are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rtvi_plugins.manifest.arguments import Form, form_of

Load = Callable[..., Any]
HEAD = "manifest: 1\nbot: x\n"
CITY = {"city": {"type": "string"}}

FORMS: list[tuple[dict[str, Any], Form]] = [
    ({}, Form.TABLE),
    (CITY, Form.TABLE),
    ({"type": {"type": "object"}, "properties": "object"}, Form.TABLE),
    ({"type": "string", "title": "string"}, Form.TABLE),
    ({"type": "object", "city": "string"}, Form.TABLE),
    ({"properties": {"type": "object"}}, Form.TABLE),
    ({"properties": {"type": "object"}, "required": {"type": "array"}}, Form.TABLE),
    ({"type": "object", "properties": {}}, Form.SCHEMA),
    ({"type": "object", "properties": CITY}, Form.SCHEMA),
    ({"type": "object", "properties": {"city": "string"}}, Form.SCHEMA),
    ({"type": "object", "properties": {"type": {"type": "string"}}}, Form.SCHEMA),
    ({"type": "object", "properties": CITY, "required": ["city"], "description": "x"}, Form.SCHEMA),
    ({"type": "object", "additionalProperties": True}, Form.SCHEMA),
    ({"type": "object", "additionalProperties": {"type": "string"}}, Form.SCHEMA),
    ({"type": "object", "description": "Nothing is needed."}, Form.SCHEMA),
    ({"type": "object", "patternProperties": {"^x": {}}}, Form.SCHEMA),
    ({"type": "object", "$schema": "x"}, Form.SCHEMA),
    ({"type": "object"}, Form.AMBIGUOUS),
    ({"type": "object", "title": "string"}, Form.AMBIGUOUS),
    ({"type": "object", "properties": "object"}, Form.AMBIGUOUS),
    ({"type": "object", "properties": {"type": "object"}}, Form.AMBIGUOUS),
    ({"properties": CITY, "required": ["city"]}, Form.UNTYPED),
    ({"properties": CITY, "$defs": {}}, Form.UNTYPED),
]


@pytest.mark.parametrize(("arguments", "form"), FORMS, ids=[str(row[0])[:60] for row in FORMS])
def test_the_form_that_is_meant(arguments: dict[str, Any], form: Form) -> None:
    assert form_of(arguments) is form


def test_both_forms_give_arguments_by_name(load: Load) -> None:
    text = """
    manifest: 1
    bot: x
    functions:
      table: {arguments: {city: {type: string, default: Bern}}}
      schema: {arguments: {type: object, properties: {city: {type: string, default: Bern}}, minProperties: 0}}
    """
    functions = load(text).only.manifest.functions
    for name in ("table", "schema"):
        assert functions[name].arguments.properties["city"].default == "Bern"
    assert not functions["table"].arguments.is_schema
    assert functions["schema"].arguments.keywords == {"type": "object", "minProperties": 0}


PLACES = [
    ("bad name", "{type: object, properties: {1a: {}}}", "functions.f.arguments.properties.1a", "bad-name"),
    ("wrong type", "{type: object, properties: {a: 5}}", "functions.f.arguments", "bad-value"),
    ("unit", "{type: object, properties: {a: {unit: 5}}}", "functions.f.arguments.properties.a.unit", "wrong-type"),
    ("required", "{type: object, properties: {}, required: a}", "functions.f.arguments.required", "wrong-type"),
    ("in a table", "{properties: {unit: 5}}", "functions.f.arguments.properties.unit", "wrong-type"),
    ("name in a table", "{1a: {}}", "functions.f.arguments.1a", "bad-name"),
    ("a list", "[]", "functions.f.arguments", "wrong-type"),
]


@pytest.mark.parametrize(("text", "where", "slug"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_problems_are_told_where_they_are_written(load: Load, text: str, where: str, slug: str) -> None:
    outcome = load(HEAD + f"functions: {{f: {{arguments: {text}}}}}")
    assert [(problem.where, problem.slug) for problem in outcome.problems] == [(where, slug)]


SERVICE = "manifest: 1\nactions: {send: {arguments: {type: object, properties: {to: {type: string}}}}}\n"
TABLE = "manifest: 1\nactions: {send: {arguments: {to: {type: string}}}}\n"


def lay(load: Load, below: str, above: str) -> Any:
    text = HEAD + f"services: {{post: {{use: ./post.yaml, actions: {{send: {{arguments: {above}}}}}}}}}"
    return load({"bot.yaml": text, "post.yaml": below})


@pytest.mark.parametrize(
    "above",
    [
        "{properties: {to: {maxLength: 80}}}",
        "{type: object, properties: {to: {maxLength: 80}}}",
        "{properties: {to: {maxLength: 80}}, required: [to]}",
    ],
)
def test_a_schema_over_a_schema(load: Load, above: str) -> None:
    outcome = lay(load, SERVICE, above)
    assert outcome.lines == []
    to = outcome.only.manifest.services["post"].actions["send"].arguments.properties["to"]
    assert to.keywords == {"type": "string", "maxLength": 80}


def test_a_table_over_a_table(load: Load) -> None:
    arguments = lay(load, TABLE, "{to: {maxLength: 80}, properties: {type: object}}").only.manifest.services["post"]
    assert list(arguments.actions["send"].arguments.properties) == ["to", "properties"]


@pytest.mark.parametrize(
    ("below", "above"),
    [
        (SERVICE, "{to: {maxLength: 80}}"),
        (TABLE, "{type: object, properties: {to: {maxLength: 80}}}"),
        (TABLE, "{properties: {to: {maxLength: 80}}}"),
    ],
)
def test_one_form_over_the_other_is_a_problem(load: Load, below: str, above: str) -> None:
    outcome = lay(load, below, above)
    (problem,) = outcome.problems
    assert (problem.slug, problem.where) == ("bad-value", "services.post.actions.send.arguments")
    assert "post.yaml:2:" in problem.text
    assert outcome.only.omitted


def test_definitions_of_a_service_file_are_followed_in_both_forms(load: Load) -> None:
    files = {
        "bot.yaml": HEAD + "$defs: {To: {type: integer}}\nservices: {post: {use: ./post.yaml}}",
        "post.yaml": "manifest: 1\n$defs: {To: {type: string}}\nactions: {send: {arguments: "
        "{type: object, properties: {to: {$ref: '#/$defs/To'}}, anyOf: [{properties: {to: {$ref: '#/$defs/To'}}}]}}}\n",
    }
    arguments = load(files).only.manifest.services["post"].actions["send"].arguments
    assert arguments.properties["to"].keywords == {"$ref": "#/$defs/post.To"}
    assert arguments.keywords["anyOf"] == [{"properties": {"to": {"$ref": "#/$defs/post.To"}}}]


TOOLS = [
    ("parameters", "arguments"),
    ("input_schema", "arguments"),
    ("inputSchema", "arguments"),
    ("args", "arguments"),
    ("params", "arguments"),
    ("outputSchema", "result"),
    ("strict", "leave it out"),
    ("name", "leave it out"),
    ("function", "arguments"),
]


@pytest.mark.parametrize(
    "place", ["functions: {{f: {{{}: {{}}}}}}", "services: {{a: {{actions: {{f: {{{}: {{}}}}}}}}}}"]
)
@pytest.mark.parametrize(("key", "hint"), TOOLS)
def test_keys_of_pasted_tools_name_what_to_write(load: Load, place: str, key: str, hint: str) -> None:
    (problem,) = load(HEAD + place.format(key)).problems
    assert problem.slug == "unknown-key"
    assert hint in problem.hint


def test_a_whole_pasted_tool(load: Load) -> None:
    tool = "{type: function, function: {name: f, parameters: {type: object, properties: {}}}}"
    hints = [problem.hint for problem in load(HEAD + f"functions: {{f: {tool}}}").problems]
    assert hints == [
        "leave it out: the section says it",
        "write its 'description' here, and its 'parameters' as 'arguments'; the key above is its name",
    ]
