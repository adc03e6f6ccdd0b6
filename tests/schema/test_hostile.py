"""Values and schemas made to hang, to overflow or to fill memory."""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import Any

import pytest

from rtvi_plugins.schema import (
    ArgumentSource,
    ArgumentsSchema,
    Fault,
    ValueSchema,
    check,
    check_document,
    compile_arguments,
    compile_value,
)
from tests.pace import times_reference

pytestmark = pytest.mark.slow

UNSAID = "does not fit its schema, and is too large or too deep to say where"


def nested(depth: int, *, leaf: Any = None) -> Any:
    value = leaf
    for _ in range(depth):
        value = [value]
    return value


RECURSIVE = [
    {"type": "array", "items": {"$ref": "#"}, "maxItems": 1},
    {"$dynamicAnchor": "n", "type": ["array", "null"], "items": {"$dynamicRef": "#n"}},
    {"$defs": {"n": {"anyOf": [{"type": "null"}, {"items": {"$ref": "#/$defs/n"}}]}}, "$ref": "#/$defs/n"},
    {"$anchor": "n", "items": {"$ref": "#n"}},
    {"$id": "https://bot.example/n", "items": {"$ref": "https://bot.example/n"}},
    {"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
    {"x-n": {"items": {"$ref": "#/x-n"}}, "$ref": "#/x-n"},
]


@pytest.mark.parametrize("keywords", RECURSIVE, ids=str)
def test_a_deep_value_cannot_overflow_a_schema_that_refers_to_itself(keywords: Any) -> None:
    deep = nested(200_000)
    cases: list[tuple[ValueSchema | ArgumentsSchema, Any]] = [
        (compile_value(keywords), deep),
        (compile_arguments({"v": ArgumentSource(keywords)}), {"v": deep}),
        (compile_value({"properties": {"v": {"$ref": "#/$defs/R"}}}, {"R": keywords}), {"v": deep}),
    ]
    for schema, value in cases:
        with pytest.raises(ValueError, match="nested too deeply"):
            schema.is_valid(value)
        (fault,) = check(schema, value)
        assert fault.text == "nested more than 1000 levels deep"
    assert isinstance(compile_value(keywords).is_valid(nested(900)), bool)


@pytest.mark.parametrize(
    "keywords", [{}, {"type": "array"}, {"items": {"items": {}}}, {"const": [[1]]}, {"enum": [[[]]]}]
)
def test_a_deep_value_cannot_overflow_any_other_schema(keywords: Any) -> None:
    schema = compile_value(keywords)
    assert isinstance(schema.is_valid(nested(200_000)), bool)
    assert len(check(schema, nested(200_000))) == 1


def test_a_deep_value_that_the_validator_cannot_compare() -> None:
    schema = compile_value({"uniqueItems": True})
    value = [nested(400), nested(400)]
    with pytest.raises(ValueError, match=r"."):
        schema.is_valid(value)
    assert check(schema, value) == (Fault("", UNSAID),)


def test_faults_of_deep_values_are_faults() -> None:
    schema = compile_value({"type": "array", "items": {"$ref": "#"}})
    assert check(schema, nested(300, leaf=1))
    assert check(schema, nested(20, leaf=1)) == (Fault("/0" * 20, "expected array, got integer"),)


def test_a_circle_of_references_ends() -> None:
    circle = {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}
    assert check_document({"$ref": "#/$defs/A"}, circle) == ()
    assert isinstance(compile_value({"$ref": "#/$defs/A"}, circle).is_valid(1), bool)
    assert isinstance(compile_value({"allOf": [{"$ref": "#"}]}).is_valid(1), bool)


PATTERNS = [r"^(a+)+$", r"(a|a|b)*\1c", r"^(?:a|b|ab)*(?<!x)$c", r"^(?=(a+)+$)(a*)*b", r"^(?:(?=a)(?:a|aa))*b$"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("text", ["a" * 50_000 + "!", "ab" * 25_000 + "!"], ids=["a", "ab"])
def test_a_pattern_cannot_hang(pattern: str, text: str) -> None:
    schema = compile_value({"pattern": pattern})

    def refuse() -> None:
        assert schema.is_valid(text) is False
        assert len(check(schema, text)) == 1

    assert times_reference(refuse) < 50, "a matcher that backtracks would need years"


def test_a_pattern_that_takes_too_long_refuses_also_under_not() -> None:
    costly = {"pattern": r"(a|a|b)*\1c"}
    assert check(compile_value(costly), "ab" * 50) == (Fault("", "takes too long to compare with its pattern"),)
    assert compile_value({"not": costly}).is_valid("ab" * 50) is False


@pytest.mark.parametrize(
    ("pattern", "good", "bad"), [(r"^(?!x)\w+$", "abc", "xbc"), (r"(?<=a)b", "ab", "b"), (r"^\d+$", "12", "1x")]
)
def test_ecma_patterns_work(pattern: str, good: str, bad: str) -> None:
    schema = compile_value({"pattern": pattern})
    assert schema.is_valid(good)
    assert not schema.is_valid(bad)


BIG = {str(number): "x" for number in range(50_000)}
COSTLY = [
    ({"items": {"type": "integer"}}, ["x"] * 200_000, "expected integer, got string"),
    ({"required": [f"n{number}" for number in range(300)]}, BIG, "missing"),
    ({"additionalProperties": False}, BIG, "not a known property"),
    (
        {"anyOf": [{"items": {"type": "integer"}}, {"items": {"type": "null"}}]},
        ["x"] * 200_000,
        "fits none of the 2 forms allowed",
    ),
    ({"maxLength": 3}, "x" * 5_000_000, "must have at most 3 characters"),
]


@pytest.mark.parametrize(("keywords", "value", "text"), COSTLY, ids=[str(row[0])[:40] for row in COSTLY])
def test_explaining_a_large_value_is_bounded(keywords: Any, value: Any, text: str) -> None:
    cases: list[tuple[ValueSchema | ArgumentsSchema, Any]] = [
        (compile_value(keywords), value),
        (compile_arguments({"v": ArgumentSource(keywords)}), {"v": value}),
    ]
    for schema, given in cases:
        tracemalloc.start()
        faults = check(schema, given)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert 1 <= len(faults) <= 100
        assert faults[0].text == text
        assert peak < 200_000_000
        assert times_reference(partial(check, schema, given)) < 150, "what is quadratic takes thousands of times it"


def test_explaining_branches_that_refer_back_is_bounded() -> None:
    link = {"properties": {"c": {"$ref": "#"}}}
    schema = compile_value({"anyOf": [{**link, "required": ["x"]}, {**link, "required": ["y"]}]})
    value: dict[str, Any] = {}
    for _ in range(60):
        value = {"c": value}
    assert check(schema, value) == (Fault("", UNSAID),)
    assert check(schema, {"c": {}}) != ()


def test_faults_are_at_most_a_hundred() -> None:
    assert len(check(compile_value({"items": {"type": "integer"}}), ["x"] * 900)) == 100
    schema = compile_arguments({"a": ArgumentSource({}, required=False)})
    assert len(check(schema, {f"zz{number}": 1 for number in range(500)})) == 100


def test_compiling_is_quick() -> None:
    documents = [{"type": "number", "minimum": number, "title": "compiling is quick"} for number in range(2_000)]

    def compile_all() -> None:
        for document in documents:
            compile_value(document)

    assert times_reference(compile_all) < 50  # a few times it
