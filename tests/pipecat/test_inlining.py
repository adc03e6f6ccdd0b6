"""Schemas of tools without references: what LLM services take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtvi_plugins.pipecat.inlining import MAX_SCHEMAS, inlined
from rtvi_plugins.schema import ArgumentSource, compile_arguments

CITY = {"type": "string", "minLength": 1}
NODE = {"type": "object", "properties": {"left": {"$ref": "#/$defs/Node"}, "name": {"$ref": "#/$defs/City"}}}
OPEN = {"type": "object", "properties": {"left": {"type": "object"}, "name": CITY}}

CASES: dict[str, tuple[Any, Any]] = {
    "none": ({"type": "integer"}, {"type": "integer"}),
    "shared": ({"$ref": "#/$defs/City"}, CITY),
    "beside-a-word": (
        {"$ref": "#/$defs/City", "description": "Where to."},
        {**CITY, "description": "Where to."},
    ),
    "beside-the-same-word": (
        {"$ref": "#/$defs/City", "minLength": 3},
        {"allOf": [CITY, {"minLength": 3}]},
    ),
    "in-items": ({"type": "array", "items": {"$ref": "#/$defs/City"}}, {"type": "array", "items": CITY}),
    "in-a-list": ({"anyOf": [{"$ref": "#/$defs/City"}, {"type": "null"}]}, {"anyOf": [CITY, {"type": "null"}]}),
    "of-its-own": (
        {"$defs": {"L": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/L"}},
        {"type": "array", "items": {"type": "integer"}},
    ),
    "by-anchor": (
        {"$defs": {"L": {"$anchor": "l", "type": "integer"}}, "type": "array", "items": {"$ref": "#l"}},
        {"type": "array", "items": {"type": "integer"}},
    ),
    "with-an-escaped-name": ({"$ref": "#/$defs/a~1b%20c"}, {"type": "number"}),
    "containing-itself": ({"$ref": "#/$defs/Node"}, OPEN),
    "containing-itself-as-a-whole": (
        {"type": "array", "items": {"$ref": "#"}},
        {"type": "array", "items": {"type": "array", "items": {"type": "array"}}},
    ),
    "a-property-called-ref": (
        {"type": "object", "properties": {"$ref": {"type": "string"}, "$defs": {"type": "number"}}},
        {"type": "object", "properties": {"$ref": {"type": "string"}, "$defs": {"type": "number"}}},
    ),
    "values-that-look-like-references": ({"enum": [{"$ref": "#/$defs/City"}]}, {"enum": [{"$ref": "#/$defs/City"}]}),
}
SHARED = {"City": CITY, "Node": NODE, "a/b c": {"type": "number"}}


@pytest.mark.parametrize(("written", "expected"), CASES.values(), ids=CASES)
def test_references_are_written_out(written: Any, expected: Any) -> None:
    document = compile_arguments({"x": ArgumentSource(keywords=written, required=True)}, SHARED).document
    before = json.dumps(document)
    whole = inlined(document)
    assert whole["properties"]["x"] == expected
    assert whole.keys() == {"type", "properties", "required", "additionalProperties"}
    assert json.dumps(document) == before


def test_definitions_that_multiply_are_bounded() -> None:
    doubling = {f"D{n}": {"type": "array", "prefixItems": [{"$ref": f"#/$defs/D{n + 1}"}] * 2} for n in range(40)}
    shared = {**doubling, "D40": {"type": "string"}}
    document = compile_arguments({"x": ArgumentSource(keywords={"$ref": "#/$defs/D0"}, required=True)}, shared).document
    text = json.dumps(inlined(document))
    assert text.count("{") < 4 * MAX_SCHEMAS
    assert "$ref" not in text
