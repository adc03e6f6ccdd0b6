"""Values from text."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins.schema import compile_value, parse_text

READ = [
    ({"type": "string"}, "3", "3"),
    ({"type": "string"}, '"quoted"', '"quoted"'),
    ({"type": "integer"}, "3", 3),
    ({"type": "integer"}, " -3 ", -3),
    ({"type": "integer"}, "3.0", 3),
    ({"type": "integer"}, "1e3", 1000),
    ({"type": "number"}, "3", 3),
    ({"type": "number"}, "2.5", 2.5),
    ({"type": "boolean"}, "true", True),
    ({"type": "boolean"}, "Off", False),
    ({"type": "null"}, "null", None),
    ({"type": "array"}, "[1, 2]", [1, 2]),
    ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ({"type": ["string", "integer"]}, "3", 3),
    ({"type": ["string", "integer"]}, "3.5", "3.5"),
    ({"type": ["string", "null"]}, "three", "three"),
    ({"type": ["integer", "boolean"]}, "true", True),
    ({"enum": ["alba", "bruno"]}, "alba", "alba"),
    ({"enum": ["alba", "bruno"]}, " Bruno", "bruno"),
    ({"enum": ["1", 1, True]}, "1", "1"),
    ({"enum": [1, True]}, "1", 1),
    ({"enum": [1, True]}, "true", True),
    ({"type": "integer", "enum": [10, 20]}, "20", 20),
    ({"const": [1]}, "[1]", [1]),
    ({}, "3", 3),
    ({}, "hello", "hello"),
    (True, "[1", "[1"),
    ({}, "NaN", "NaN"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "3", "3"),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "null", None),
    ({"$ref": "#/$defs/N", "$defs": {"N": {"type": "integer"}}}, "3", 3),
    ({"$ref": "#/$defs/S", "$defs": {"S": {"type": "string"}}}, "3", "3"),
    ({"$ref": "http://elsewhere.example/x"}, "3", 3),
    ({}, "[" * 100_000, "[" * 100_000),
]


@pytest.mark.parametrize(("schema", "text", "expected"), READ, ids=[f"{row[0]}-{row[1][:10]}" for row in READ])
def test_parse_text(schema: Any, text: str, expected: Any) -> None:
    value = parse_text(schema, text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("schema", "text", "message"),
    [
        ({"type": "integer"}, "three", "expected a whole number"),
        ({"type": "integer"}, "3.5", "expected a whole number"),
        ({"type": "number"}, "NaN", "expected a number"),
        ({"type": "number"}, "true", "expected a number"),
        ({"type": "boolean"}, "1", "expected true or false"),
        ({"type": "null"}, "none", "expected null"),
        ({"type": "array"}, "1,2", r"expected an array such as \[1, 2\]"),
        ({"type": "object"}, "[]", "expected an object such as"),
        ({"type": ["integer", "null"]}, "x", "expected a whole number, or null"),
        ({"enum": ["alba", "bruno"]}, "carla", "expected one of 'alba' or 'bruno'"),
    ],
    ids=str,
)
def test_parse_text_refuses(schema: Any, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        parse_text(schema, text)


def test_what_is_described_can_be_read() -> None:
    document = compile_value({"type": "bool"}, description="d", default=False).document
    assert parse_text(document, "yes") is True
