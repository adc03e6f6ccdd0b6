"""Values against schemas: types, faults, defaults."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from types import MappingProxyType
from typing import Any

import pytest

from rtvi_plugins.schema import RTVI_TYPES, ArgumentSource, Fault, check, compile_arguments, compile_value, normalise

SAY = {
    "query": ArgumentSource({"type": "string", "minLength": 1}, description="What to look for."),
    "limit": ArgumentSource({"type": "integer", "maximum": 450}, has_default=True, default=3, unit="hits"),
    "tags": ArgumentSource({"type": "array", "items": {"type": "string"}}, has_default=True, default=["a"]),
    "note": ArgumentSource(True, required=False),
}


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"type": "bool"}, {"type": "boolean"}),
        ({"type": ["bool", "null"]}, {"type": ["boolean", "null"]}),
        (
            {"items": {"type": "bool"}, "enum": [{"type": "bool"}]},
            {"items": {"type": "boolean"}, "enum": [{"type": "bool"}]},
        ),
        ({"properties": {"type": {"type": "bool"}}}, {"properties": {"type": {"type": "boolean"}}}),
        (
            {"const": {"type": "bool"}, "default": {"type": "bool"}},
            {"const": {"type": "bool"}, "default": {"type": "bool"}},
        ),
        ({"anyOf": ({"type": "bool"}, False)}, {"anyOf": [{"type": "boolean"}, False]}),
        ({"$defs": {"A": {"type": "bool"}}}, {"$defs": {"A": {"type": "boolean"}}}),
        (
            {"dependencies": {"a": {"type": "bool"}, "b": ["bool"]}},
            {"dependencies": {"a": {"type": "boolean"}, "b": ["bool"]}},
        ),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema#"}, {}),
        (MappingProxyType({"x-note": MappingProxyType({"type": "bool"})}), {"x-note": {"type": "bool"}}),
        (True, True),
        (False, False),
    ],
)
def test_normalise(keywords: Any, expected: Any) -> None:
    assert normalise(keywords) == expected


@pytest.mark.parametrize(
    "keywords", ["string", 3, {1: {}}, {"const": float("nan")}, {"const": b""}, {"const": "\ud800"}]
)
def test_normalise_refuses(keywords: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        normalise(keywords)


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        *(({"type": name}, name) for name in RTVI_TYPES),
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "bool"),
        ({"type": "null"}, "object"),
        ({"type": ["integer", "number"]}, "number"),
        ({"type": ["string", "null"]}, "object"),
        ({}, "object"),
        (True, "object"),
        (False, "object"),
        ({"enum": ["a", "b"]}, "string"),
        ({"enum": [1, 2.5]}, "number"),
        ({"enum": ["a", 1]}, "object"),
        ({"enum": [True]}, "bool"),
        ({"const": [1]}, "array"),
        ({"anyOf": [{"type": "string"}]}, "object"),
        ({"$ref": "#/$defs/Rate"}, "number"),
        ({"$ref": "#/$defs/Alias"}, "number"),
    ],
)
def test_rtvi_type(keywords: Any, expected: str) -> None:
    shared = {"Rate": {"type": "integer"}, "Alias": {"$ref": "#/$defs/Rate"}}
    assert compile_value(keywords, shared).rtvi_type == expected


NO_COERCION = [
    ("number", "3", False),
    ("integer", True, False),
    ("number", True, False),
    ("boolean", 1, False),
    ("integer", 1.0, True),
    ("integer", 1.5, False),
    ("integer", 10**40, True),
    ("string", 3, False),
    ("array", (1, 2), True),
    ("object", [], False),
    ("null", 0, False),
]


@pytest.mark.parametrize(("name", "value", "expected"), NO_COERCION)
def test_no_coercion(name: str, value: Any, expected: bool) -> None:
    schema = compile_value({"type": name})
    assert schema.is_valid(value) is expected
    assert (not check(schema, value)) is expected


def test_true_is_not_one() -> None:
    assert not compile_value({"const": 1}).is_valid(True)
    assert not compile_value({"enum": [0, False]}).is_valid(True)


FAULTS = [
    ({"type": "integer"}, "s", "", "expected integer, got string"),
    ({"type": "integer"}, 1.5, "", "expected integer, got number"),
    ({"type": ["string", "null"]}, True, "", "expected null or string, got boolean"),
    ({"type": "string", "enum": ["a"]}, 3, "", "expected string, got integer"),
    ({"enum": ["bruno", "alba"]}, "s", "", "expected one of 'alba' or 'bruno'"),
    ({"enum": [1, None, "x"]}, "s", "", "expected one of 1, null or 'x'"),
    ({"enum": [1]}, "s", "", "expected 1"),
    ({"enum": list(range(50))}, "s", "", "expected one of 50 listed values"),
    ({"const": {"a": 10**30}}, "s", "", f"must be {{'a': {10**30}}}"),
    ({"const": "x"}, "s", "", "must be 'x'"),
    ({"minimum": 80}, 3, "", "must be at least 80"),
    ({"maximum": 450}, 451, "", "must be at most 450"),
    ({"exclusiveMinimum": 0}, 0, "", "must be more than 0"),
    ({"exclusiveMaximum": 0.5}, 1, "", "must be less than 0.5"),
    ({"multipleOf": 5}, 3, "", "must be a multiple of 5"),
    ({"minLength": 1}, "", "", "must have at least 1 character"),
    ({"maxLength": 2}, "abc", "", "must have at most 2 characters"),
    ({"pattern": "^a$"}, "b", "", "must match the pattern '^a$'"),
    ({"minItems": 2}, [1], "", "must have at least 2 items"),
    ({"maxItems": 0}, [1], "", "must have at most 0 items"),
    ({"uniqueItems": True}, [1, 1], "", "must not hold the same item twice"),
    ({"contains": {"type": "null"}}, [1], "", "does not hold the right number of items of the kind it must contain"),
    ({"prefixItems": [{}], "unevaluatedItems": False}, [1, 2], "", "holds items beyond those allowed"),
    ({"minProperties": 1}, {}, "", "must have at least 1 property"),
    ({"maxProperties": 0}, {"a": 1}, "", "must have at most 0 properties"),
    ({"required": ["a/b~"]}, {}, "/a~1b~0", "missing"),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "/b", "missing"),
    (
        {"properties": {"rate": {}}, "additionalProperties": False},
        {"rat": 1},
        "/rat",
        "not a known property; did you mean 'rate'?",
    ),
    ({"properties": {"a": {}}, "unevaluatedProperties": False}, {"zz": 1}, "/zz", "not a known property"),
    ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 1]}, "/a/1", "expected string, got integer"),
    ({"properties": {"a": False}}, {"a": 1}, "/a", "must not be given"),
    ({"propertyNames": {"maxLength": 1}}, {"bb": 1}, "/bb", "the name must have at most 1 character"),
    ({"not": {"type": "string"}}, "s", "", "is of a kind that is not allowed"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "", "expected null or string, got integer"),
    ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, "", "fits more than one form, where exactly one is allowed"),
    ({"anyOf": [{"minimum": 9}, {"multipleOf": 2}]}, 3, "", "fits none of the 2 forms allowed"),
    ({"anyOf": [{"type": "string"}, {"type": "object", "required": ["x"]}]}, {}, "/x", "missing"),
    (
        {
            "oneOf": [
                {"properties": {"k": {"const": "a"}}},
                {"properties": {"k": {"const": "b"}, "n": {"type": "null"}}},
            ]
        },
        {"k": "b", "n": 1},
        "/n",
        "expected null, got integer",
    ),
    (False, 1, "", "must not be given"),
]


@pytest.mark.parametrize(("keywords", "value", "pointer", "text"), FAULTS)
def test_faults(keywords: Any, value: Any, pointer: str, text: str) -> None:
    schema = compile_value(keywords)
    assert not schema.is_valid(value)
    faults = check(schema, value)
    if isinstance(keywords, dict) and "const" in keywords and isinstance(keywords["const"], dict):
        assert [fault.pointer for fault in faults] == [
            pointer
        ]  # a number that no JSON writer of ours holds is still told
    else:
        assert faults == (Fault(pointer, text),)


def test_every_fault_is_told() -> None:
    schema = compile_value({"properties": {"a": {"type": "null"}, "b": {"minimum": 3}}, "required": ["c"]})
    assert {fault.pointer for fault in check(schema, {"a": 1, "b": 1})} == {"/a", "/b", "/c"}


SECRET = "hunter2-4711"  # noqa: S105 - what must not be seen
HIDING = [
    {"type": "integer"},
    {"enum": ["a"]},
    {"const": 1},
    {"pattern": "^x$"},
    {"maxLength": 1},
    {"format": "email", "maxLength": 1},
    {"not": {"type": "string"}},
    {"anyOf": [{"maxLength": 1}, {"pattern": "^x"}]},
    {"oneOf": [{"minLength": 1}, {"minLength": 2}]},
    False,
]


@pytest.mark.parametrize("keywords", HIDING, ids=str)
def test_values_are_never_in_the_text(keywords: Any) -> None:
    for schema, value in [
        (compile_value(keywords), SECRET),
        (compile_value({"items": keywords, "uniqueItems": True}), [SECRET, SECRET]),
        (compile_value({"prefixItems": [{}], "unevaluatedItems": keywords}), [1, SECRET]),
        (compile_value({"unevaluatedProperties": keywords}), {"a": SECRET}),
        (compile_value({"contains": keywords}), [SECRET]),
    ]:
        faults = check(schema, value)
        assert faults
        assert all("hunter2" not in fault.text and "://" not in fault.text for fault in faults)


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (b"x", ""),
        ([1, {"a": float("nan")}], "/1/a"),
        ([float("inf")], "/0"),
        ({"a": {1: 2}}, "/a"),
        ({"a": {1}}, "/a"),
        ("\ud800", ""),
    ],
)
def test_what_is_not_json_is_one_fault(value: Any, pointer: str) -> None:
    assert [fault.pointer for fault in check(compile_value({}), value)] == [pointer]
    arguments = compile_arguments({"v": ArgumentSource({})})
    assert [fault.pointer for fault in check(arguments, {"v": value})] == [f"/v{pointer}"]


def test_is_valid_raises_for_what_is_not_json_where_the_schema_looks() -> None:
    with pytest.raises(ValueError, match="bytes"):
        compile_value({"type": "string"}).is_valid(b"x")
    assert compile_value({}).is_valid([b"x"])
    assert compile_value({"type": "number"}).is_valid(float("nan")) is False


def test_equal_documents_share_one_validator() -> None:
    one = compile_value({"type": "integer", "minimum": 1}, description="one", default=1)
    other = compile_value({"minimum": 1, "type": "integer"}, description="other", unit="s")
    assert one.is_valid.__self__ is other.is_valid.__self__  # type: ignore[attr-defined]
    assert one.document == {"type": "integer", "minimum": 1, "description": "one", "default": 1}
    assert other.document == {"minimum": 1, "type": "integer", "description": "other", "x-unit": "s"}


def test_notes_on_schemas_that_are_true_or_false() -> None:
    assert compile_value(True, description="any").document == {"description": "any"}
    assert compile_value(False, description="none").document == {"not": {}, "description": "none"}
    assert compile_value(True, default=None).document == {"default": None}
    assert compile_value({"description": "own"}, description="other").document == {"description": "own"}


def test_value_schema_is_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        compile_value({}).rtvi_type = "string"  # type: ignore[misc]


@pytest.mark.parametrize(
    "keywords", [{"type": "strng"}, {"pattern": "("}, {"$ref": "#/$defs/Nope"}, {"$ref": "http://x/y"}]
)
def test_a_faulty_document_is_refused(keywords: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_value(keywords)
    with pytest.raises(ValueError, match=r"."):
        compile_arguments({"a": ArgumentSource(keywords)})


def test_arguments_document() -> None:
    schema = compile_arguments(SAY)
    assert schema.document == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "description": "What to look for."},
            "limit": {"type": "integer", "maximum": 450, "default": 3, "x-unit": "hits"},
            "tags": {"type": "array", "items": {"type": "string"}, "default": ["a"]},
            "note": True,
        },
        "required": ["query"],
        "additionalProperties": False,
    }
    assert list(schema.document["properties"]) == list(schema.properties) == list(SAY)
    assert [each.rtvi_type for each in schema.properties.values()] == ["string", "number", "array", "object"]
    assert schema.defaults == {"limit": 3, "tags": ["a"]}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"query": "spa"}, []),
        ({"query": "spa", "limit": 450, "tags": [], "note": None}, []),
        ({}, [("/query", "missing")]),
        ({"quary": "spa"}, [("/query", "missing"), ("/quary", "not a known argument; did you mean 'query'?")]),
        ({"query": "spa", "zzz": 1}, [("/zzz", "not a known argument")]),
        (
            {"zzz": 1, "tags": ["a", 3], "limit": 451, "query": ""},
            [
                ("/query", "must have at least 1 character"),
                ("/limit", "must be at most 450"),
                ("/tags/1", "expected string, got integer"),
                ("/zzz", "not a known argument"),
            ],
        ),
        (["spa"], [("", "expected object, got array")]),
        (None, [("", "expected object, got null")]),
    ],
    ids=str,
)
def test_argument_faults(arguments: Any, expected: list[tuple[str, str]]) -> None:
    schema = compile_arguments(SAY)
    assert [(fault.pointer, fault.text) for fault in check(schema, arguments)] == expected
    assert schema.is_valid(arguments) is not bool(expected)


def test_argument_names_that_need_escapes_in_a_pointer() -> None:
    schema = compile_arguments({"a": ArgumentSource({})})
    assert check(schema, {"a": 1, "x/y~": 1}) == (Fault("/x~1y~0", "not a known argument"),)


def test_no_arguments() -> None:
    schema = compile_arguments({})
    assert schema.is_valid({})
    assert not schema.is_valid({"a": 1})
    assert schema.with_defaults({}) == {}


def test_defaults() -> None:
    source = ["a"]
    schema = compile_arguments({**SAY, "tags": ArgumentSource({"type": "array"}, has_default=True, default=source)})
    source.append("changed by the author's code")
    given = {"query": "spa", "limit": 1}
    filled = schema.with_defaults(given)
    assert filled == {"query": "spa", "limit": 1, "tags": ["a"]}
    assert given == {"query": "spa", "limit": 1}
    filled["tags"].append("changed by a handler")
    assert schema.with_defaults(given)["tags"] == ["a"]
    whole = {"query": "spa", "limit": 1, "tags": []}
    assert schema.with_defaults(whole) is whole


def test_a_default_of_null_is_a_default() -> None:
    schema = compile_arguments({"a": ArgumentSource({"type": "null"}, has_default=True)})
    assert schema.document["properties"]["a"] == {"type": "null", "default": None}
    assert schema.document["required"] == []
    assert schema.with_defaults({}) == {"a": None}


def test_numbers_beyond_64_bits() -> None:
    schema = compile_value({"maximum": 10**30})
    assert schema.is_valid(10**30)
    assert not schema.is_valid(10**30 + 1)
    assert check(schema, 10**30 + 1) == (Fault("", f"must be at most {10**30}"),)
