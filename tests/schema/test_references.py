"""Several documents in one: each reference keeps meaning what it meant."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins.schema import ArgumentSource, check, check_document, compile_arguments, compile_value

SHARED: dict[str, Any] = {
    "Colour": {"enum": ["red", "blue"]},
    "Ping": {"type": "object", "properties": {"pong": {"$ref": "#/$defs/Pong"}}},
    "Pong": {"type": "object", "properties": {"ping": {"$ref": "#/$defs/Ping"}, "n": {"type": "integer"}}},
    "Tree": {
        "type": "object",
        "properties": {"kids": {"items": {"$ref": "#"}}, "colour": {"$ref": "#/$defs/Colour"}},
        "additionalProperties": False,
    },
    "Closed": {"$ref": "#/$defs/Colour", "$defs": {"Colour": {"type": "null"}}},
    "Anchored": {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "bool"}}},
    "a/b~c%": {"type": "array"},
    "Unused": {"type": "null"},
}
TREE = {
    "properties": {"kids": {"items": {"$ref": "#"}}, "c": {"$ref": "#/$defs/Colour"}},
    "additionalProperties": False,
}


def accepts(keywords: Any, value: Any) -> bool:
    """Ask in every place a schema may stand; all must agree."""
    assert check_document(keywords, SHARED) == ()
    alone = compile_value(keywords, SHARED)
    # Beside arguments that use the same names and addresses for other things.
    sources = {
        "first": ArgumentSource(keywords, required=False),
        "v": ArgumentSource(keywords),
        "kids": ArgumentSource({"$anchor": "here", "type": "string"}, required=False),
        "Colour": ArgumentSource({"$id": "https://bot.example/id", "type": "string"}, required=False),
        "tree": ArgumentSource({"$ref": "#/$defs/Tree"}, required=False),
    }
    together = compile_arguments(sources, SHARED)
    answers = {
        alone.is_valid(value),
        not check(alone, value),
        together.is_valid({"v": value}),
        not check(together, {"v": value}),
        together.is_valid({"v": value, "first": value}),
        compile_value(together.document).is_valid({"v": value}),  # what clients see stands by itself
        compile_value(together.properties["v"].document).is_valid(value),
    }
    assert len(answers) == 1
    return answers.pop()


CASES: list[tuple[Any, Any, Any]] = [
    ({"$ref": "#/$defs/Colour"}, "red", "green"),
    ({"$ref": "#/$defs/Ping"}, {"pong": {"ping": {"pong": {"n": 1}}}}, {"pong": {"ping": {"pong": {"n": "x"}}}}),
    ({"$ref": "#/$defs/Tree"}, {"kids": [{"colour": "red"}]}, {"kids": [{"colour": "green"}]}),
    ({"$ref": "#/$defs/Tree"}, {"kids": [{}]}, {"kids": [{"leaves": 1}]}),
    ({"$ref": "#/$defs/Closed"}, None, "red"),
    ({"$ref": "#/$defs/Anchored"}, True, 1),
    ({"$ref": "#/$defs/a~1b~0c%25"}, [], {}),
    ({"$ref": "#/$defs/Pong/properties/n"}, 1, "x"),
    ({"items": {"$ref": "#/$defs/Colour"}, "type": "array"}, ["red"], ["x"]),
    (TREE, {"kids": [{"kids": [{"c": "red"}]}]}, {"kids": [{"kids": [{"c": "x"}]}]}),
    (TREE, {"kids": []}, {"kids": [{"first": 1}]}),
    ({"$defs": {"Colour": {"type": "null"}}, "items": {"$ref": "#/$defs/Colour"}}, [None], ["red"]),
    ({"properties": {"a": {"type": "null"}, "b": {"$ref": "#/properties/a"}}}, {"b": None}, {"b": 1}),
    ({"properties": {"a": {"$anchor": "here", "type": "null"}, "b": {"$ref": "#here"}}}, {"b": None}, {"b": "s"}),
    ({"$dynamicAnchor": "here", "properties": {"k": {"$dynamicRef": "#here"}}, "type": "object"}, {"k": {}}, {"k": 1}),
    ({"$id": "https://bot.example/id", "$defs": {"n": {"type": "null"}}, "$ref": "#/$defs/n"}, None, "s"),
    ({"$id": "https://bot.example/id", "items": {"$ref": "https://bot.example/id"}, "type": "array"}, [[[]]], [[1]]),
    ({"$id": "https://bot.example/id", "items": {"$ref": "#/$defs/Colour"}}, ["red"], ["x"]),
    ({"$id": "https://bot.example/id", "items": {"$ref": "#/$defs/Tree"}}, [{"colour": "red"}], [{"colour": 1}]),
    ({"$id": "sub/", "$defs": {"n": {"$id": "n", "type": "null"}}, "$ref": "n"}, None, 1),
    ({"$id": "/top", "$defs": {"n": {"$id": "/n", "type": "null"}}, "$ref": "/n"}, None, 1),
    ({"$id": "urn:bot:x", "$defs": {"n": {"type": "null"}}, "$ref": "urn:bot:x#/$defs/n"}, None, 1),
    (
        {"$defs": {"n": {"$id": "n", "$ref": "#/$defs/m", "$defs": {"m": {"type": "null"}}}}, "items": {"$ref": "n"}},
        [None],
        [1],
    ),
    ({"$schema": "https://json-schema.org/draft/2020-12/schema", "items": {"$ref": "#"}, "type": "array"}, [[]], [1]),
    ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, {"minimum": 3}, {"minimum": "3"}),
]


@pytest.mark.parametrize(("keywords", "good", "bad"), CASES, ids=[str(row[0])[:70] for row in CASES])
def test_references_keep_their_meaning(keywords: Any, good: Any, bad: Any) -> None:
    assert accepts(keywords, good)
    assert not accepts(keywords, bad)


@pytest.mark.parametrize("name", SHARED)
def test_shared_definitions_are_good_by_themselves(name: str) -> None:
    assert check_document(SHARED[name], SHARED) == ()


def test_only_what_is_needed_is_hoisted_and_left_plain() -> None:
    schema = compile_arguments(
        {
            "c": ArgumentSource({"$ref": "#/$defs/Colour"}),
            "p": ArgumentSource({"$ref": "#/$defs/Ping"}, description="d"),
        },
        SHARED,
    )
    assert schema.document == {
        "type": "object",
        "properties": {"c": {"$ref": "#/$defs/Colour"}, "p": {"$ref": "#/$defs/Ping", "description": "d"}},
        "required": ["c", "p"],
        "additionalProperties": False,
        "$defs": {name: SHARED[name] for name in ("Colour", "Ping", "Pong")},
    }


def test_a_schema_with_references_of_its_own_becomes_a_resource() -> None:
    schema = compile_arguments({"t": ArgumentSource(TREE)}, SHARED)
    assert schema.document["$id"] == "rtvi://schema/arguments"
    tree = schema.document["properties"]["t"]
    assert tree["$id"] == "rtvi://schema/arguments/t/"
    assert tree["properties"]["kids"] == {"items": {"$ref": "#"}}
    assert tree["properties"]["c"] == {"$ref": "rtvi://schema/arguments#/$defs/Colour"}


def test_an_id_of_its_own_stays_once() -> None:
    source = ArgumentSource({"$id": "https://bot.example/id", "items": {"$ref": "#"}})
    properties = compile_arguments({"a": source, "b": source}).document["properties"]
    assert properties["a"]["$id"] == "https://bot.example/id"
    assert properties["b"]["$id"] == "rtvi://schema/arguments/b/0"


def test_two_schemas_under_one_id_are_told_apart() -> None:
    one = {"$id": "https://bot.example/id", "$defs": {"n": {"type": "string"}}, "$ref": "#/$defs/n"}
    two = {"$id": "https://bot.example/id", "$defs": {"n": {"type": "null"}}, "$ref": "https://bot.example/id#/$defs/n"}
    schema = compile_arguments({"one": ArgumentSource(one), "two": ArgumentSource(two)})
    assert schema.is_valid({"one": "s", "two": None})
    assert not schema.is_valid({"one": "s", "two": "s"})
    assert not schema.is_valid({"one": None, "two": None})


def test_written_documents_are_not_changed() -> None:
    before = repr((TREE, SHARED))
    compile_arguments(
        {"a": ArgumentSource(TREE), "b": ArgumentSource({"$ref": "#/$defs/Tree"}, description="d")}, SHARED
    )
    assert repr((TREE, SHARED)) == before
