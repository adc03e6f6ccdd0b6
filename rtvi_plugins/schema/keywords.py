"""The words of JSON Schema 2020-12, where in a document schemas stand, and what RTVI calls a schema's type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from rtvi_plugins.schema.survey import encodes, not_json

Document = dict[str, Any] | bool
Path = tuple[str | int, ...]

RTVI_TYPES: Final = ("array", "bool", "number", "object", "string")
"""The type names of the legacy wire (`describe-config`, `describe-actions`)."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TYPE_NAMES: Final = frozenset({"array", "bool", "boolean", "integer", "null", "number", "object", "string"})
MAX_SCHEMA_DEPTH: Final = 200
"""Nesting of a written schema; the validator takes 255 levels, and an argument stands a few levels down."""

SINGLE_SCHEMAS: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
LISTS_OF_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
TABLES_OF_SCHEMAS: Final = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
_PLAIN: Final = frozenset(
    {
        "$anchor",
        "$comment",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$recursiveAnchor",
        "$recursiveRef",
        "$ref",
        "$schema",
        "$vocabulary",
        "const",
        "contentEncoding",
        "contentMediaType",
        "default",
        "dependentRequired",
        "deprecated",
        "description",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "readOnly",
        "required",
        "title",
        "type",
        "uniqueItems",
        "writeOnly",
    }
)
KEYWORDS: Final = SINGLE_SCHEMAS | LISTS_OF_SCHEMAS | TABLES_OF_SCHEMAS | _PLAIN
_HOLDERS: Final = SINGLE_SCHEMAS | LISTS_OF_SCHEMAS | TABLES_OF_SCHEMAS

OWN_WORDS: Final = frozenset(
    {
        "actions",
        "arguments",
        "bind",
        "cancellable",
        "client",
        "concurrency",
        "data",
        "from",
        "handler",
        "job",
        "mutable",
        "options",
        "payload",
        "plugin",
        "result",
        "secret",
        "timeout",
        "tool",
        "unit",
    }
)
"""Keys of the manifest around a schema. Inside one they would say nothing, though their author thinks they do."""
FOREIGN_WORDS: Final = MappingProxyType(
    {
        "nullable": "add 'null' to the types: {type: [string, 'null']}",
        "discriminator": "give each branch of 'oneOf' a property with a 'const'",
    }
)
"""Words of OpenAPI that JSON Schema does not have, each with the way to say it."""


def is_flat(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema holds no other schema, and no reference, anchor or `$id`: most of a manifest's do not."""
    return not any(key in _HOLDERS or key.startswith("$") for key in schema)


def children(schema: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Give what stands at the schema positions directly inside a schema, each with its path from there."""
    for key, held in schema.items():
        if key not in _HOLDERS:
            continue
        if key in SINGLE_SCHEMAS:
            yield (key,), held
        elif key in LISTS_OF_SCHEMAS:
            if isinstance(held, list | tuple):
                for index, item in enumerate(held):
                    yield (key, index), item
        elif isinstance(held, Mapping):
            for name, item in held.items():
                if key != "dependencies" or not isinstance(item, list | tuple):
                    yield (key, name), item


def subschemas(document: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Give every schema of a document that is a mapping, itself first, each with its path."""
    stack: list[tuple[Path, Any]] = [((), document)]
    while stack:
        path, schema = stack.pop()
        if isinstance(schema, Mapping):
            yield path, schema
            stack.extend((path + step, child) for step, child in children(schema))


def normalise(keywords: Mapping[str, Any] | bool) -> Document:
    """Copy a written schema into plain JSON Schema: `bool` becomes `boolean` wherever a schema stands.

    Values inside `enum`, `const`, `default` and `examples` stay as they are, and so does what is under unknown keys.
    Raises `ValueError` for what is neither a mapping nor `true`/`false`, is not JSON, or is nested too deeply.
    """
    if isinstance(keywords, bool):
        return keywords
    if not isinstance(keywords, Mapping):
        raise ValueError("a schema is a mapping, true or false")  # noqa: TRY004 - bad input, as all that follows
    document: dict[str, Any] = _plain(keywords, 0)
    if _is_dialect(document.get("$schema")):
        del document["$schema"]
    for _, schema in subschemas(document):
        named = schema.get("type")
        if named == "bool" and isinstance(schema, dict):  # always a dict, since `_plain` made it
            schema["type"] = "boolean"
        elif isinstance(named, list) and "bool" in named:
            named[:] = ["boolean" if name == "bool" else name for name in named]
    return document


def is_foreign_dialect(schema: Mapping[str, Any]) -> bool:
    """Tell whether `$schema` names something other than JSON Schema 2020-12."""
    return "$schema" in schema and not _is_dialect(schema["$schema"])


def _is_dialect(uri: object) -> bool:
    return isinstance(uri, str) and uri.removesuffix("#") == DIALECT


def _plain(value: Any, depth: int) -> Any:
    """Copy JSON into dicts and lists; one pass that copies and checks, since start-up does it for every schema."""
    if isinstance(value, str):
        if not encodes(value):
            raise ValueError("text that UTF-8 cannot hold")
    elif isinstance(value, Mapping | list | tuple):
        if depth >= MAX_SCHEMA_DEPTH:
            raise ValueError(f"nested more than {MAX_SCHEMA_DEPTH} levels deep")
        if not isinstance(value, Mapping):
            return [_plain(item, depth + 1) for item in value]
        if not all(isinstance(key, str) and encodes(key) for key in value):
            raise ValueError("a name that is not text")
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    elif text := not_json(value):
        raise ValueError(text)
    return value


# --- the type, for old clients and for readers of text ---------------------------------------------------------------

_RTVI_NAME: Final = MappingProxyType(
    {"array": "array", "boolean": "bool", "integer": "number", "number": "number", "string": "string"}
)


def kind_of(value: object) -> str:
    """Name the JSON type of a Python value for messages; whole numbers are `integer` when they are ints."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object" if isinstance(value, Mapping) else "something that is not JSON"


def target_of(document: Document) -> Document:
    """Follow a schema that only says `$ref: "#/$defs/Name"` to what it names inside the same document."""
    schema = document
    for _ in range(20):
        if not isinstance(schema, dict) or "type" in schema or "enum" in schema or "const" in schema:
            break
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/$defs/") or not isinstance(document, dict):
            break
        named = document.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
        if named is None:
            break
        schema = named
    return schema


def types_of(document: Document) -> frozenset[str]:
    """Give the JSON types a document asks for by `type`, or by its `enum` or `const` members; empty for any."""
    schema = target_of(document)
    if not isinstance(schema, dict):
        return frozenset()
    if "type" in schema:
        named = schema["type"]
        return frozenset([named] if isinstance(named, str) else named)
    if "const" in schema:
        return frozenset({kind_of(schema["const"])})
    return frozenset(map(kind_of, schema.get("enum", ())))


def rtvi_type_of(document: Document) -> str:
    """Give the one of `RTVI_TYPES` that describes a document to old clients; any and unions are `object`."""
    names = {_RTVI_NAME.get(name, "object") for name in types_of(document)}
    return names.pop() if len(names) == 1 else "object"
