"""What type of value a place asks for, so that text from the environment can be read as it.

For the keys of a manifest the models say it, for the keywords of a value schema JSON Schema does, for defaults and
initial values the schema that they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from rtvi_plugins.manifest.arguments import is_schema
from rtvi_plugins.manifest.faults import unwrap, value_at
from rtvi_plugins.manifest.model import Argument, Arguments, Manifest, Value
from rtvi_plugins.manifest.paths import KeyPath
from rtvi_plugins.manifest.primitives import Choice, is_duration
from rtvi_plugins.schema.compiler import compiled
from rtvi_plugins.schema.keywords import LISTS_OF_SCHEMAS, SINGLE_SCHEMAS, TABLES_OF_SCHEMAS, kind_of

DURATION: Final = "duration"
_SCHEMA_TYPES: Final = ("object", "boolean")
_KEYWORD_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("deprecated", "readOnly", "uniqueItems", "writeOnly"), "boolean")
    | dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"), "number")
    | dict.fromkeys(
        ("maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength"), "integer"
    )
    | {"minProperties": "integer", "enum": "array", "examples": "array", "required": "array"}
    | {"dependentRequired": "object", "$vocabulary": "object"}
)
_WORDS: Final[Mapping[Any, str]] = MappingProxyType(
    {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array", NoneType: "null"}
)
_MAX_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What fits at a place: types in the order in which they are tried (none: anything), and the only legal values."""

    types: tuple[str, ...] = ()
    members: tuple[Any, ...] | None = None


ANYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Data:
    """A place inside a value that has a schema: where the schema stands, and the steps from the whole value."""

    schema: KeyPath
    steps: KeyPath
    is_member: bool = False
    """Whether it is one of the values that the schema lists, which `enum` itself does not judge."""


def place_of(path: KeyPath, document: Any = None) -> Wanted | Data:
    """Return what the language has at a path of a manifest. document: the manifest, whose arguments have two forms."""
    if path[:1] == ("config",) and len(path) >= 3:
        return Data(("services", path[1], "options", path[2]), path[3:])
    if path[:1] == ("$defs",) and len(path) >= 2:
        return _in_schema(path[:2], path[2:])
    kind: Any = Manifest
    metadata: tuple[Any, ...] = ()
    for number, part in enumerate(path):
        kind, metadata = unwrap(kind, metadata)
        if kind is Arguments:
            if is_schema(value_at(document, path[:number])):
                return _in_schema(path[:number], path[number:])
            kind = Argument
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            field = next((f for name, f in kind.model_fields.items() if part in (f.alias, name)), None)
            if issubclass(kind, Value) and (field is None or part == "default"):
                return _in_schema(path[:number], path[number:])
            if field is None:
                return ANYTHING
            kind, metadata = field.annotation, tuple(field.metadata)
        else:
            arguments = get_args(kind)
            kind = Any if not arguments else arguments[0] if get_origin(kind) is tuple else arguments[-1]
            metadata = ()
    return Wanted(tuple(_types_of(kind, metadata)))


def _types_of(kind: Any, metadata: tuple[Any, ...]) -> Iterator[str]:
    kind, metadata = unwrap(kind, metadata)
    if is_duration(metadata):
        yield DURATION
        return
    origin = get_origin(kind) or kind
    if origin in (UnionType, Union):
        for one in get_args(kind):
            yield from _types_of(one, ())
    elif origin is Literal:
        yield from dict.fromkeys(kind_of(word) for word in get_args(kind))
    elif origin is not Any:
        is_short = isinstance(origin, type) and issubclass(origin, Value | Choice)
        yield "string" if is_short else _WORDS.get(origin, "object")


def _in_schema(owner: KeyPath, rest: KeyPath) -> Wanted | Data:
    """Return what a value schema has at the steps `rest` inside it; `owner` is where the schema stands."""
    while rest:
        key, *after = rest
        inner = tuple(after)
        if key in ("default", "const"):
            return Data(owner, inner, is_member=key == "const")
        if key in ("enum", "examples") and inner:
            return Data(owner, inner[1:], is_member=True)
        if key in SINGLE_SCHEMAS:
            owner, rest = (*owner, key), inner
        elif key in LISTS_OF_SCHEMAS or key in TABLES_OF_SCHEMAS:
            if not inner:
                return Wanted(("array",) if key in LISTS_OF_SCHEMAS else ("object",))
            owner, rest = (*owner, key, inner[0]), inner[1:]
        else:
            type_ = _KEYWORD_TYPES.get(str(key)) if not inner else None
            return Wanted((type_,)) if type_ else ANYTHING
    return Wanted(_SCHEMA_TYPES)


# -- by a schema ------------------------------------------------------------------------------------------------------


def wanted_by(data: Data, document: Any) -> Wanted:
    """Return what the schema of a place asks for. document: the manifest in which the schema stands."""
    shared = document.get("$defs") if isinstance(document, dict) else None
    wanted = wanted_in(value_at(document, data.schema), data.steps, shared)
    return Wanted(wanted.types) if data.is_member and not data.steps else wanted


def wanted_in(schema: Any, steps: KeyPath, shared: Any = None) -> Wanted:
    """Return what a value schema asks for at the steps inside its values. shared: what `#/$defs/` names."""
    schemas = [schema]
    for step in steps:
        schemas = [inner for one in schemas for inner in _below(one, step, shared)]
    if not schemas or len(schemas) > _MAX_STEPS:
        return ANYTHING
    found = [_types_in(one, shared) for one in schemas]
    types = () if not all(found) else tuple(dict.fromkeys(name for names in found for name in names))
    members = [_members_in(one, shared) for one in schemas]
    return Wanted(types, members[0] if len(members) == 1 else None)


def _forms(schema: Any, shared: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Give the mappings that together say what a schema is: itself, what it refers to, its branches."""
    if isinstance(schema, str):
        schema = {"type": schema}
    if not isinstance(schema, Mapping) or depth > 8:
        return
    yield schema
    branches: list[Any] = [target] if (target := _target(schema, shared)) is not None else []
    for key in ("allOf", "anyOf", "oneOf"):
        held = schema.get(key)
        branches += held if isinstance(held, list) else []
    for branch in branches[:_MAX_STEPS]:
        yield from _forms(branch, shared, depth + 1)


def _target(schema: Mapping[str, Any], shared: Any) -> Any:
    reference = schema.get("$ref")
    own = schema.get("$defs", shared)
    if not isinstance(reference, str) or not reference.startswith("#/$defs/") or not isinstance(own, Mapping):
        return None
    return own.get(reference.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~"))


def _below(schema: Any, step: str | int, shared: Any) -> Iterator[Any]:
    """Give the schemas of one item or property of a value."""
    for form in _forms(schema, shared):
        if isinstance(step, int):
            ahead = form.get("prefixItems")
            ahead = ahead if isinstance(ahead, list) else []
            if step < len(ahead):
                yield ahead[step]
            elif "items" in form:
                yield form["items"]
            continue
        named = form.get("properties")
        patterns = form.get("patternProperties")
        found = [named[step]] if isinstance(named, Mapping) and step in named else []
        if isinstance(patterns, Mapping):
            found += [inner for pattern, inner in patterns.items() if _matches(pattern, step)]
        if not found and isinstance(form.get("additionalProperties"), Mapping):
            found = [form["additionalProperties"]]
        yield from found


def _matches(pattern: str, name: str) -> bool:
    # The validator's own engine gives up where a pattern takes too long.
    try:
        return compiled({"pattern": pattern}).is_valid(name)
    except ValueError:
        return False


def _types_in(schema: Any, shared: Any, depth: int = 0) -> tuple[str, ...]:
    """Return the types that a schema takes, in the order in which it names them; empty for any."""
    if isinstance(schema, str):
        schema = {"type": schema}
    if not isinstance(schema, Mapping) or depth > 8:
        return ()
    if "type" in schema:
        named = schema["type"]
        names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        return tuple({"bool": "boolean"}.get(name, name) for name in names if isinstance(name, str))
    if "const" in schema:
        return (kind_of(schema["const"]),)
    if isinstance(schema.get("enum"), list):
        return tuple(dict.fromkeys(map(kind_of, schema["enum"])))
    if (target := _target(schema, shared)) is not None:
        return _types_in(target, shared, depth + 1)
    for key in ("anyOf", "oneOf"):
        held = schema.get(key)
        if isinstance(held, list):
            found = [_types_in(branch, shared, depth + 1) for branch in held]
            return tuple(dict.fromkeys(name for names in found for name in names)) if all(found) else ()
    held = schema.get("allOf")
    every = (_types_in(branch, shared, depth + 1) for branch in (held if isinstance(held, list) else ()))
    return next((names for names in every if names), ())


def _members_in(schema: Any, shared: Any) -> tuple[Any, ...] | None:
    for form in _forms(schema, shared):
        if isinstance(form.get("enum"), list):
            return tuple(form["enum"])
        if "const" in form:
            return (form["const"],)
        if "anyOf" in form or "oneOf" in form:
            return None
    return None
