"""JSON Schema in few words."""

from __future__ import annotations

import pytest

from rtvi_plugins.cli.schemas import bounds_of, type_of


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, "any"),
        (False, "nothing"),
        ({}, "any"),
        ("junk", "any"),
        ({"type": "string"}, "string"),
        ({"type": ["null", "string"]}, "string or null"),
        ({"enum": [1, "a"]}, "integer or string"),
        ({"const": True}, "boolean"),
        ({"type": "array"}, "array"),
        ({"type": "array", "items": {}}, "array"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "array of array of number"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}}, "object"),
        ({"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": {"type": "integer"}}}, "array of integer"),
    ],
    ids=str,
)
def test_type(schema: object, expected: str) -> None:
    assert type_of(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, ""),
        ({"type": "string"}, ""),
        ({"enum": ["a", "", 1, None]}, 'a, "", 1, null'),
        ({"const": [1]}, "[1]"),
        ({"minimum": 1, "maximum": 2.5}, "1..2.5"),
        ({"minimum": 0}, ">=0"),
        ({"maximum": 0}, "<=0"),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.5}, ">0, <1, multiple of 0.5"),
        ({"minLength": 1, "maxLength": 9, "pattern": "^a"}, "1..9 characters, /^a/"),
        ({"maxItems": 3, "uniqueItems": True}, "<=3 items, no repeats"),
        ({"minProperties": 1}, ">=1 keys"),
        ({"format": "date"}, "date"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "number", "minimum": 1}}}, ">=1"),
    ],
    ids=str,
)
def test_bounds(schema: object, expected: str) -> None:
    assert bounds_of(schema) == expected
