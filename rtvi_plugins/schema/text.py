"""Reading a value from text: of a command line, or of what somebody said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn

from rtvi_plugins.schema.compiler import compiled
from rtvi_plugins.schema.faults import one_of
from rtvi_plugins.schema.keywords import Document, target_of, types_of

_WORDS: Final[Mapping[str, bool]] = MappingProxyType(
    {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
)
_MISSED: Final = object()


def parse_text(schema: Document, text: str) -> Any:
    """Read text as a value of the schema's type; bounds are not checked here.

    schema:  a normalised, self-contained document, as `ValueSchema.document`.
    Returns: `3` for `integer` and `number`, `True` for `true`, `yes` and `on`, JSON for arrays and objects, a member of
             `enum` for its name or its JSON. Where any type or text may stand: JSON if it is JSON of a fitting type,
             else the text as it is.
    Errors:  `ValueError` with a text for people, without the text that was given.
    """
    target = target_of(schema)
    if isinstance(target, dict) and ("enum" in target or "const" in target):
        return _member(target.get("enum", [target.get("const")]), text)
    types = types_of(schema)
    if types == {"string"}:
        return text
    if types == {"boolean"} and text.strip().lower() in _WORDS:
        return _WORDS[text.strip().lower()]
    value = _json(text)
    if not types:
        return _fitting(schema, value, text)
    if value is not _MISSED and (read := _typed(value, types)) is not _MISSED:
        return read
    if "string" in types:
        return text
    raise ValueError(f"expected {_wanted(types)}")


def _member(members: list[Any], text: str) -> Any:
    if text in members:
        return text
    value = _json(text)
    for member in members:
        if value is not _MISSED and type(member) is type(value) and member == value:
            return member
    near = [member for member in members if isinstance(member, str) and member.casefold() == text.strip().casefold()]
    if len(near) == 1:
        return near[0]
    raise ValueError(one_of(members))


def _typed(value: Any, types: frozenset[str]) -> Any:
    """Give the value if it is of one of the types, a whole `float` as `int` where only integers may stand."""
    match value:
        case None:
            fits = "null" in types
        case bool():
            fits = "boolean" in types
        case int():
            fits = not types.isdisjoint(("integer", "number"))
        case float():
            if "number" not in types and "integer" in types and value.is_integer():
                return int(value)
            fits = "number" in types
        case str():
            fits = False  # text is taken as it stands; quotes around it belong to it
        case list():
            fits = "array" in types
        case _:
            fits = "object" in types
    return value if fits else _MISSED


def _fitting(schema: Document, value: Any, text: str) -> Any:
    if value is _MISSED:
        return text
    try:
        is_valid = compiled(schema).is_valid
        return text if not is_valid(value) and is_valid(text) else value
    except ValueError:  # somebody else's schema, which we cannot compile: then any value is as good
        return value


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return _MISSED


def _no_constant(_: str) -> NoReturn:
    raise ValueError


_EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "array": "an array such as [1, 2]",
        "boolean": "true or false",
        "integer": "a whole number",
        "null": "null",
        "number": "a number",
        "object": 'an object such as {"a": 1}',
    }
)


def _wanted(types: frozenset[str]) -> str:
    return ", or ".join(_EXAMPLES.get(name, name) for name in sorted(types))
