"""Every fault of a schema document, at its place."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins.errors import SLUGS
from rtvi_plugins.manifest import model
from rtvi_plugins.schema import ArgumentSource, SharedSchemas, check_document, compile_arguments, compile_value
from rtvi_plugins.schema.keywords import KEYWORDS, OWN_WORDS

SHARED = {"Colour": {"type": "string"}, "Bad": {"type": "strng"}, "NotASchema": 3, "BadPattern": {"pattern": "("}}
DEEP: dict[str, Any] = {}
for _ in range(100_000):
    DEEP = {"not": DEEP}
CIRCLE: dict[str, Any] = {}
CIRCLE["not"] = CIRCLE

TYPES = "array, bool, boolean, integer, null, number, object or string"
SCHEMA = "a schema: a mapping, true or false"

BAD = [
    # document, path, slug, text, expected, hint
    ({"type": "strng"}, ("type",), "unknown-type", "unknown type 'strng'", TYPES, "did you mean 'string'?"),
    ({"type": "int"}, ("type",), "unknown-type", "unknown type 'int'", TYPES, "did you mean 'integer'?"),
    ({"type": "any"}, ("type",), "unknown-type", "unknown type 'any'", TYPES, "leave 'type' out to mean any value"),
    ({"type": ["null", "list"]}, ("type", 1), "unknown-type", "unknown type 'list'", TYPES, "did you mean 'array'?"),
    (
        {"items": {"type": "Bool"}},
        ("items", "type"),
        "unknown-type",
        "unknown type 'Bool'",
        TYPES,
        "did you mean 'bool'?",
    ),
    (
        {"minimun": 3},
        ("minimun",),
        "unknown-key",
        "unknown keyword 'minimun'",
        "a keyword of JSON Schema",
        "did you mean 'minimum'?",
    ),
    ({"zzz": 3}, ("zzz",), "unknown-key", "unknown keyword 'zzz'", "a keyword of JSON Schema", ""),
    (
        {"properties": {"a": {"maxLenght": 3, "zzz": 1}}},
        ("properties", "a", "maxLenght"),
        "unknown-key",
        "unknown keyword 'maxLenght'",
        "a keyword of JSON Schema",
        "did you mean 'maxLength'?",
    ),
    (
        {"items": {"type": "string", "secret": True}},
        ("items", "secret"),
        "unknown-key",
        "unknown keyword 'secret'",
        "a keyword of JSON Schema",
        "'secret' belongs beside the outermost type, not inside it",
    ),
    (
        {"properties": {"a": {"type": "string", "nullable": True}}},
        ("properties", "a", "nullable"),
        "unknown-key",
        "unknown keyword 'nullable'",
        "a keyword of JSON Schema",
        "add 'null' to the types: {type: [string, 'null']}",
    ),
    (
        {"anyOf": [{"oneOf": [{}], "discriminator": {"propertyName": "kind"}}]},
        ("anyOf", 0, "discriminator"),
        "unknown-key",
        "unknown keyword 'discriminator'",
        "a keyword of JSON Schema",
        "give each branch of 'oneOf' a property with a 'const'",
    ),
    ({"minimum": "3"}, ("minimum",), "bad-schema", "'minimum' cannot be a string", "number", ""),
    ({"allOf": []}, ("allOf",), "bad-schema", "'allOf' must have at least 1 item", "", ""),
    ({"maxLength": -1}, ("maxLength",), "bad-schema", "'maxLength' must be at least 0", "", ""),
    ({"enum": 3}, ("enum",), "bad-schema", "'enum' cannot be an integer", "array", ""),
    ({"type": 3}, ("type",), "bad-schema", "'type' is the name of a type or a list of different ones", "", ""),
    (
        {"type": ["bool", "boolean"]},
        ("type",),
        "bad-schema",
        "'type' is the name of a type or a list of different ones",
        "",
        "",
    ),
    (
        {"required": True},
        ("required",),
        "bad-schema",
        "'required' cannot be a boolean",
        "array",
        "list the names of the required properties",
    ),
    ({"properties": None}, ("properties",), "bad-schema", "'properties' cannot be null", "object", ""),
    ({"items": "string"}, ("items",), "bad-schema", "'items' cannot be a string", SCHEMA, "write {type: string}"),
    (
        {"items": [{}]},
        ("items",),
        "bad-schema",
        "'items' cannot be an array",
        SCHEMA,
        "a list of schemas, one for each place, is 'prefixItems'",
    ),
    ({"anyOf": [{}, 3]}, ("anyOf", 1), "bad-schema", "'anyOf' cannot be an integer", SCHEMA, ""),
    ({"pattern": "("}, ("pattern",), "bad-schema", "'(' is not a regular expression that can be used", "", ""),
    (
        {"pattern": "(a{1000}){1000}"},
        ("pattern",),
        "bad-schema",
        "'(a{1000}){1000}' is not a regular expression that can be used",
        "",
        "",
    ),
    (
        {"patternProperties": {"(": {}}},
        ("patternProperties", "("),
        "bad-schema",
        "'(' is not a regular expression that can be used",
        "",
        "",
    ),
    (
        {"patternProperties": {r"\p{L}{1,1000}": {}}},
        ("patternProperties", r"\p{L}{1,1000}"),
        "bad-schema",
        r"'\p{L}{1,1000}' is not a regular expression that can be used",
        "",
        "",
    ),
    (
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        ("$schema",),
        "bad-schema",
        "schemas are read as JSON Schema 2020-12",
        "'https://json-schema.org/draft/2020-12/schema'",
        "",
    ),
    ({"$id": "#x"}, ("$id",), "bad-schema", "'$id' must match the pattern '^[^#]*#?$'", "", ""),
    ({"$ref": "//[x"}, ("$ref",), "bad-schema", "'$ref' must be of the format 'uri-reference'", "", ""),
    ({"$ref": "http://[x"}, ("$ref",), "bad-schema", "'$ref' must be of the format 'uri-reference'", "", ""),
    (
        {"$ref": "#/$defs/Color"},
        ("$ref",),
        "unresolved-ref",
        "no definition is named 'Color'",
        "",
        "did you mean 'Colour'?",
    ),
    ({"$ref": "#/$defs/Colour/x"}, ("$ref",), "unresolved-ref", "'#/$defs/Colour/x' leads to nothing", "", ""),
    (
        {"$defs": {"A": {}}, "not": {"$ref": "#/$defs/Colour"}},
        ("not", "$ref"),
        "unresolved-ref",
        "no definition is named 'Colour'",
        "",
        "a schema with '$defs' of its own does not see the shared ones",
    ),
    (
        {"$defs": {"A": {"$ref": "#/$defs/B"}}},
        ("$defs", "A", "$ref"),
        "unresolved-ref",
        "no definition is named 'B'",
        "",
        "",
    ),
    ({"$ref": "#nope"}, ("$ref",), "unresolved-ref", "'#nope' leads to nothing", "", ""),
    ({"$dynamicRef": "#nope"}, ("$dynamicRef",), "unresolved-ref", "'#nope' leads to nothing", "", ""),
    ({"$ref": "other.json"}, ("$ref",), "unresolved-ref", "'other.json' leads to nothing", "", ""),
    (
        {"$ref": "http://localhost:9/a.json#/b"},
        ("$ref",),
        "unresolved-ref",
        "'http://localhost:9/a.json#/b' is not at hand; nothing is fetched from the network",
        "",
        "copy it under '$defs'",
    ),
    ({"x-d": {"type": "bool"}, "$ref": "#/x-d"}, (), "bad-schema", "the schema cannot be compiled", "", ""),
    ({"const": [float("nan")]}, ("const", 0), "bad-schema", "not a finite number", "JSON Schema", ""),
    ({"const": b"x"}, ("const",), "bad-schema", "not a JSON value", "JSON Schema", ""),
    ({"properties": {3: {}}}, ("properties",), "bad-schema", "a name that is not text", "JSON Schema", ""),
    ("string", (), "bad-schema", "a schema cannot be a string", SCHEMA, "write {type: string}"),
    (None, (), "bad-schema", "a schema cannot be null", SCHEMA, ""),
]


@pytest.mark.parametrize(
    ("document", "path", "slug", "text", "expected", "hint"), BAD, ids=[str(row[0])[:60] for row in BAD]
)
def test_fault(document: Any, path: Any, slug: str, text: str, expected: str, hint: str) -> None:
    faults = check_document(document, SHARED)
    assert [(f.path, f.slug, f.text, f.expected, f.hint) for f in faults] == [(path, slug, text, expected, hint)]
    assert faults[0].on_key is (slug == "unknown-key" or path[:-1] == ("patternProperties",))
    assert slug in SLUGS


@pytest.mark.parametrize("document", [DEEP, CIRCLE], ids=["deep", "circle"])
def test_a_document_without_end(document: Any) -> None:
    (fault,) = check_document(document, {"Deep": document})
    assert (fault.path, fault.text) == (("not",) * 200, "nested more than 200 levels deep")


def test_all_faults_at_once() -> None:
    document = {"type": "strng", "minimum": "3", "minimun": 1, "pattern": "(", "items": {"$ref": "#/$defs/Color"}}
    slugs = sorted(fault.slug for fault in check_document(document, SHARED))
    assert slugs == ["bad-schema", "bad-schema", "unknown-key", "unknown-type", "unresolved-ref"]


GOOD = [
    True,
    False,
    {},
    {"type": "bool"},
    {"type": ["bool", "null"], "x-note": 1},
    {"enum": []},
    {"properties": {"minimun": {}, "zzz": {"zzz": 1}}},
    {"items": {"unknown_keyword": 1, "x-secret": True, "default": {"secret": 1}, "properties": {"unit": {}}}},
    {"$ref": "#/$defs/Colour"},
    {"$ref": "#/$defs/Colour/properties/type"} | {"$defs": {"Colour": {"properties": {"type": {"type": "bool"}}}}},
    {"$ref": "https://json-schema.org/draft/2020-12/schema"},
    {"$ref": "#"},
    {"definitions": {"A": {}}, "dependencies": {"a": ["b"]}, "$recursiveRef": "#", "$recursiveAnchor": "here"},
    {"format": "anything", "contentEncoding": "base64", "contentSchema": {"type": "bool"}, "deprecated": True},
    {"pattern": "(?<=a)b(?!c)", "x-backtracking": True},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://bot.example/x", "$comment": "c"},
    {"$id": "a/b", "$defs": {"c": {"$id": "c", "type": "null"}}, "$ref": "c"},
]


@pytest.mark.parametrize("document", GOOD, ids=str)
def test_no_fault_and_it_compiles(document: Any) -> None:
    assert check_document(document, SHARED) == ()
    compile_value(document, SHARED)
    compile_arguments({"a": ArgumentSource(document), "b": ArgumentSource(document)}, SHARED)


FAULTY: list[Any] = [
    "integer",
    5,
    [1],
    None,
    {"type": "numbr"},
    {"type": []},
    {"minimum": "x"},
    {"pattern": "("},
    {"patternProperties": {"(": {}}},
    {"enum": 5},
    {"minLength": -1},
    {"multipleOf": 0},
    {"items": [{"type": "string"}]},
    {"properties": {"a": "integer"}},
    {"required": ["a", "a"]},
    {"$ref": "#/$defs/Nowhere"},
    {"$ref": "#/nowhere"},
    {"$ref": "#/$defs/Faulty/nowhere"},
    {"$dynamicRef": "#nowhere"},
    {"$ref": "https://bot.example/nowhere"},
    {"$defs": {"A": "integer"}},
    {"$defs": {"A": {"type": "numbr"}}, "$ref": "#/$defs/A"},
    {"$id": "#x"},
    {"const": float("nan")},
]


@pytest.mark.parametrize("faulty", FAULTY, ids=lambda faulty: str(faulty)[:60])
def test_what_uses_a_faulty_definition_takes_anything(faulty: Any) -> None:
    written = {
        "Faulty": faulty,
        "Range": {"type": "object", "properties": {"from": {"$ref": "#/$defs/Faulty"}}},
        "Wide": {"not": {"$ref": "#/$defs/Range"}},
        "Inside": {"$ref": "#/$defs/Faulty/properties/a"} if faulty == {"properties": {"a": "integer"}} else True,
    }
    for shared in (written, SharedSchemas(written)):
        told = {name: check_document(definition, shared) for name, definition in written.items()}
        assert [name for name, faults in told.items() if faults] == ["Faulty"]
        assert len(told["Faulty"]) == 1
        for name in written:
            for user in ({"$ref": f"#/$defs/{name}"}, {"items": {"$ref": f"#/$defs/{name}"}, "$anchor": "own"}):
                assert check_document(user, shared) == ()
                arguments = compile_arguments({"a": ArgumentSource(user), "b": ArgumentSource({})}, shared)
                for value in (1, [], {"from": None}):
                    assert compile_value(user, shared).is_valid(value)
                    assert arguments.is_valid({"a": value, "b": 1})


def test_definitions_lost_in_each_other_are_both_told() -> None:
    shared = {"A": {"$ref": "#/$defs/B/nowhere"}, "B": {"$ref": "#/$defs/A/nowhere"}}
    assert [[f.slug for f in check_document(shared[name], shared)] for name in "AB"] == [["unresolved-ref"]] * 2
    assert check_document({"$ref": "#/$defs/A"}, shared) == ()
    assert compile_value({"$ref": "#/$defs/A"}, shared).is_valid(1)


def test_own_words_are_those_of_the_models() -> None:
    models = (model.Option, model.Argument, model.Action, model.Service, model.Function)
    around = (model.Command, model.UIEvent, model.Message)
    keys = {field.alias or name for one in (*models, *around) for name, field in one.model_fields.items()}
    assert keys - KEYWORDS == OWN_WORDS


@pytest.mark.parametrize("name", ["Bad", "BadPattern"])
def test_a_fault_of_a_shared_definition_is_told_there_only(name: str) -> None:
    assert check_document({"$ref": f"#/$defs/{name}"}, SHARED) == ()
    assert len(check_document(SHARED[name], SHARED)) == 1


def test_shared_definitions_made_before() -> None:
    shared = SharedSchemas(SHARED)
    assert sorted(shared) == ["Bad", "BadPattern", "Colour", "NotASchema"]
    assert check_document({"$ref": "#/$defs/Colour"}, shared) == ()
    assert compile_value({"$ref": "#/$defs/Colour"}, shared).document["$defs"] == {"Colour": {"type": "string"}}  # type: ignore[index]
