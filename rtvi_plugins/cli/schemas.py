"""JSON Schema in few words, for tables: the type, and the bounds of a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from rtvi_plugins.schema.keywords import Document, target_of, types_of

_RANGES: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " keys"),
)


def type_of(document: object) -> str:
    """Name the type: `string`, `array of number`, `string or null`, `any`."""
    schema = target_of(document) if isinstance(document, dict | bool) else True
    if schema is False or not isinstance(schema, dict):
        return "nothing" if schema is False else "any"
    names = sorted(types_of(schema), key=lambda name: (name == "null", name))
    if not names:
        return "any"
    items = schema.get("items")
    if names == ["array"] and isinstance(items, dict):
        inner = type_of(_with_definitions(items, document))
        return "array" if inner == "any" else f"array of {inner}"
    return " or ".join(names)


def _with_definitions(schema: Document, document: object) -> Document:
    if isinstance(schema, dict) and isinstance(document, dict) and "$defs" in document:
        return {"$defs": document["$defs"], **schema}
    return schema


def bounds_of(document: object) -> str:
    """Name the legal values: `alba, bruno`, `80..450`, `>0`, `1..200 characters`; empty when all are."""
    schema = target_of(document) if isinstance(document, dict | bool) else True
    if not isinstance(schema, dict):
        return ""
    if "const" in schema:
        return shown(schema["const"])
    if isinstance(schema.get("enum"), list):
        return ", ".join(map(shown, schema["enum"]))
    parts = [_range(schema, low, high, noun) for low, high, noun in _RANGES]
    parts += [f">{schema['exclusiveMinimum']}"] if "exclusiveMinimum" in schema else []
    parts += [f"<{schema['exclusiveMaximum']}"] if "exclusiveMaximum" in schema else []
    parts += [f"multiple of {schema['multipleOf']}"] if "multipleOf" in schema else []
    parts += [f"/{schema['pattern']}/"] if "pattern" in schema else []
    parts += [str(schema["format"])] if "format" in schema else []
    parts += ["no repeats"] if schema.get("uniqueItems") is True else []
    return ", ".join(part for part in parts if part)


def _range(schema: Mapping[str, Any], low: str, high: str, noun: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is None and most is None:
        return ""
    if least is None or most is None:
        return f">={least}{noun}" if most is None else f"<={most}{noun}"
    return f"{least}..{most}{noun}"


def shown(value: Any) -> str:
    """Write a value for a table: text as it is, `""` when empty, anything else as JSON."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)
