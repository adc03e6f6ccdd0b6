"""The two forms of `arguments:`: name → argument, or a JSON Schema of an object, whose properties are the arguments.

A schema says `type: object` and has `properties`, or another word that no argument could be meant by. What may be
either is a problem: `type: object` alone is an argument named 'type', or a schema without properties.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rtvi_plugins.schema.keywords import KEYWORDS, TYPE_NAMES

_UNMISTAKABLE: Final = frozenset(
    {
        "$comment", "$defs", "$id", "$ref", "$schema", "additionalProperties", "allOf", "anyOf", "dependentRequired",
        "dependentSchemas", "maxProperties", "minProperties", "oneOf", "patternProperties", "propertyNames",
        "unevaluatedProperties",
    }
)  # fmt: skip
"""Keywords that nobody would call an argument by."""
AMBIGUOUS: Final = "these may be arguments of these names, or a JSON Schema of an object"
HOW_TO_SAY: Final = (
    "for a schema write 'type: object' and 'properties: {…}'; for an argument named 'type' write 'type: {type: object}'"
)
NO_TYPE: Final = "this looks like a JSON Schema of an object, and does not say so"
ADD_TYPE: Final = "add 'type: object'; for an argument named 'properties' give it a type"


class Form(enum.Enum):
    """How `arguments:` is written."""

    TABLE = enum.auto()
    SCHEMA = enum.auto()
    AMBIGUOUS = enum.auto()
    UNTYPED = enum.auto()
    """A schema that leaves `type: object` out."""


def form_of(arguments: Mapping[str, Any]) -> Form:
    """Return which form a mapping has."""
    others = [key for key in arguments if key not in ("type", "properties")]
    if arguments.get("type") != "object":
        has_properties = "type" not in arguments and _are_properties(arguments.get("properties"))
        is_untyped = has_properties and any(_is_a_keyword(arguments, key) for key in others)
        return Form.UNTYPED if is_untyped else Form.TABLE
    if "properties" in arguments:
        return Form.SCHEMA if _are_properties(arguments["properties"]) else Form.AMBIGUOUS
    if not all(is_keyword(key) for key in others):
        return Form.TABLE
    return Form.SCHEMA if any(_is_a_keyword(arguments, key) for key in others) else Form.AMBIGUOUS


def is_schema(arguments: Any) -> bool:
    """Return whether `arguments:` is written as a JSON Schema."""
    return isinstance(arguments, Mapping) and form_of(arguments) is Form.SCHEMA


def is_keyword(key: str) -> bool:
    """Return whether a key is a word of JSON Schema, or its author's own."""
    return key in KEYWORDS or key.startswith("x-")


def do_conflict(below: Any, above: Any) -> bool:
    """Return whether arguments that are laid over others are of the other form."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping) or not below or not above:
        return False
    if is_schema(below):
        return not all(is_keyword(key) for key in above)
    is_part = all(map(is_keyword, above)) and _are_properties(above.get("properties"))
    return is_part or form_of(above) is not Form.TABLE


def conflicts(below: Any, above: Any) -> Iterator[str]:
    """Give the actions of a service whose arguments are of one form below and of the other in what is laid over."""
    actions = above.get("actions") if isinstance(above, dict) else None
    others = below.get("actions") if isinstance(below, dict) else None
    if isinstance(actions, dict) and isinstance(others, dict):
        for name, action in actions.items():
            given = [one.get("arguments") if isinstance(one, dict) else None for one in (others.get(name), action)]
            if do_conflict(*given):
                yield name


def _are_properties(value: Any) -> bool:
    """Return whether this is a table of schemas, as `properties` has it, and no value schema of an argument."""
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(inner, Mapping | bool) or _is_short(name, inner) for name, inner in value.items())


def _is_short(name: str, value: Any) -> bool:
    """Return whether a property is written as the name of its type; `{type: object}` is a value schema instead."""
    return isinstance(value, str) and value in TYPE_NAMES and name not in KEYWORDS


def _is_a_keyword(arguments: Mapping[str, Any], key: str) -> bool:
    """Return whether a key can only be a keyword: by its name, or by a value that is no value schema."""
    value = arguments[key]
    if key in _UNMISTAKABLE or key.startswith("x-"):
        return True
    is_value_schema = isinstance(value, Mapping | bool) or (isinstance(value, str) and value in TYPE_NAMES)
    return key in KEYWORDS and not is_value_schema
