"""The models' refusals, as problems in the language's own words.

pydantic says what it refused as records (`type`, `loc`, `ctx`); those are read here and its prose is never shown. Which
keys, words and types would have been right is read from the models' annotations, so that it is written down once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rtvi_plugins.errors import Problem, did_you_mean, quoted
from rtvi_plugins.manifest.arguments import ADD_TYPE, AMBIGUOUS, HOW_TO_SAY, NO_TYPE, is_schema
from rtvi_plugins.manifest.model import Action, Arguments, Function, Manifest, Service, Value
from rtvi_plugins.manifest.paths import KeyPath, dotted, kind_of, shown
from rtvi_plugins.manifest.primitives import Choice, is_duration
from rtvi_plugins.manifest.source import Source

DURATION: Final = "a duration like 500ms, 10s, 5m, 1h or a number of seconds"
LONGEST_DURATION: Final = "a duration above 0 and up to 24h"
NAME: Final = "a letter, then letters, digits, '_' or '-', at most 100 in all"

_KEY: Final = "[key]"  # how pydantic's `loc` says that the key itself is meant
_WORDS: Final[dict[Any, str]] = {bool: "bool", int: "integer", float: "number", str: "string", tuple: "array"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal.

    place:   what was refused.
    path:    what must be taken out so that the rest can be used.
    problem: what to tell; made only when asked for, since finding places and near words takes time.
    on_key:  whether the key itself is refused, not its value.
    """

    place: KeyPath
    path: tuple[str, ...]
    problem: Callable[[], Problem]
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """What the language has at one place: the path, the annotation there, and what is attached to the annotation."""

    path: KeyPath
    kind: Any
    metadata: tuple[Any, ...] = ()
    is_key: bool = False


def faults_of(error: ValidationError, source: Source) -> Iterator[Fault]:
    """Translate all records of one refusal; several about one place (a union's) become one."""
    seen: set[tuple[KeyPath, bool]] = set()
    for record in error.errors(include_url=False, include_input=False):
        kind = str(record["type"])
        place = _follow(record["loc"], source.value)
        if (place.path, place.is_key) in seen:
            continue
        seen.add((place.path, place.is_key))
        if kind == "missing":
            owner = place.path[:-1]
            # What identifies the bot can be stood in for; anything else takes its mapping with it.
            yield Fault(place.path, cut(owner or place.path), partial(_missing, place, source))
        else:
            describe = partial(_describe, kind, record.get("ctx", {}), place, source)
            yield Fault(place.path, cut(place.path), describe, on_key=place.is_key or kind == "extra_forbidden")


def cut(path: Iterable[str | int]) -> tuple[str, ...]:
    """Shorten a path to its keys before the first index: a list is taken out whole or not at all."""
    keys: list[str] = []
    for part in path:
        if isinstance(part, int):
            break
        keys.append(part)
    return tuple(keys)


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """List the keys a manifest may write where this model stands."""
    keys = tuple(field.alias or name for name, field in model.model_fields.items())
    return (*keys, "use") if model is Service else keys


def _follow(loc: tuple[int | str, ...], document: Any = None) -> _Place:
    """Walk the annotations along pydantic's `loc`, leaving out the steps that are no part of the file."""
    place = _Place((), Manifest)
    parts = list(loc)
    for number, part in enumerate(parts):
        kind, metadata = unwrap(place.kind, place.metadata)
        if part == _KEY and number == len(parts) - 1:
            return _Place(place.path, str, is_key=True)
        if isinstance(kind, UnionType) or get_origin(kind) is Union:
            return _Place(place.path, kind, metadata)
        path = (*place.path, part)
        if kind is Arguments and part == "properties" and not is_schema(value_at(document, place.path)):
            path = place.path  # a table has them at once
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = next((f for n, f in kind.model_fields.items() if part in (f.alias, n)), None)
            place = _Place(path, Any) if field is None else _Place(path, field.annotation, tuple(field.metadata))
        elif get_origin(kind) is tuple:
            place = _Place(path, get_args(kind)[0])
        else:
            arguments = get_args(kind)
            place = _Place(path, arguments[1] if len(arguments) == 2 else Any)
    return place


def unwrap(kind: Any, metadata: tuple[Any, ...] = ()) -> tuple[Any, tuple[Any, ...]]:
    """Return an annotation and what is attached to it, without `Annotated[...]` and `... | None` around it."""
    while True:
        if get_origin(kind) is Annotated:
            kind, *more = get_args(kind)
            metadata = (*metadata, *more)
            continue
        if isinstance(kind, UnionType) or get_origin(kind) is Union:
            rest = [k for k in get_args(kind) if k is not NoneType]
            if len(rest) == 1:
                kind = rest[0]
                continue
        return kind, metadata


def _model_at(path: KeyPath) -> type[BaseModel] | None:
    kind, _ = unwrap(_follow(path).kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _expected(kind: Any, metadata: tuple[Any, ...] = ()) -> str:
    """Name what fits an annotation."""
    kind, metadata = unwrap(kind, metadata)
    if is_duration(metadata):
        return DURATION
    origin = get_origin(kind) or kind
    if origin is Literal:
        return quoted(str(word) for word in get_args(kind))
    if origin in (UnionType, Union):
        return " or ".join(_expected(k) for k in get_args(kind))
    if isinstance(origin, type) and issubclass(origin, Value):
        return "a type name, bool or object"
    if isinstance(origin, type) and issubclass(origin, Choice):
        return "string or object"
    return _WORDS.get(origin, "object")


def _missing(place: _Place, source: Source) -> Problem:
    *owner, key = place.path
    return Problem("missing-key", f"missing key {shown(str(key))}", source.locate(owner), dotted(owner))


def _describe(kind: str, context: Mapping[str, Any], place: _Place, source: Source) -> Problem:
    path = _written(place.path, source.value)
    name = str(path[-1]) if path else ""

    def problem(slug: str, text: str, *, expected: str = "", hint: str = "", at_key: bool = False) -> Problem:
        return Problem(slug, text, source.locate(path, key=at_key), dotted(path), expected=expected, hint=hint)

    if kind == "extra_forbidden":
        return _unknown_key(path, name, source)
    value = value_at(source.value, path)
    if place.is_key:
        return problem("bad-name", f"{shown(name)} is not a name", expected=NAME, at_key=True)
    if kind in ("string_pattern_mismatch", "string_too_long"):
        return problem("bad-name", f"{shown(str(value))} is not a name", expected=NAME)
    wanted = _expected(place.kind, place.metadata)
    if kind == "bad_duration":
        # A union is a duration or a word that stands for none.
        expected = wanted if DURATION in wanted else DURATION
        return problem("bad-duration", f"{shown(str(value))} is not a duration", expected=expected)
    if kind == "literal_error" and isinstance(value, str):
        words = [str(word) for word in get_args(unwrap(place.kind)[0])]
        text = f"{shown(value)} is not one of the legal words"
        return problem("bad-value", text, expected=wanted, hint=did_you_mean(value, words))
    if kind in _OF_ARGUMENTS:
        text, hint = _OF_ARGUMENTS[kind]
        return problem("bad-value", text, hint=hint)
    return _out_of_bounds(kind, context, place, value, problem)


def _out_of_bounds(
    kind: str, context: Mapping[str, Any], place: _Place, value: Any, problem: Callable[..., Problem]
) -> Problem:
    wanted = _expected(place.kind, place.metadata)
    if kind in _BOUNDS:
        if is_duration(place.metadata):
            return problem("bad-duration", f"{shown(str(value))} is out of range", expected=LONGEST_DURATION)
        # The value is not shown: it may be a token.
        text, bound, key = _BOUNDS[kind]
        return problem("bad-value", text, expected=bound.format(context.get(key, "")))
    return problem("wrong-type", f"wrong type: {kind_of(value)}", expected=wanted)


def _unknown_key(path: KeyPath, name: str, source: Source) -> Problem:
    model = _model_at(path[:-1]) or Manifest
    legal = keys_of(model)
    hint = (_OF_TOOLS.get(name) if model in (Action, Function) else None) or did_you_mean(name, legal)
    if name == "type" and value_at(source.value, path) == "function":
        hint = "leave it out: the section says it"
    if len(path) == 1 and name in ("actions", "options"):
        hint = f"write it in a service: 'services: {{NAME: {{{name}: …}}}}'"
    expected = "" if hint else quoted(legal)
    location = source.locate(path, key=True)
    return Problem("unknown-key", f"unknown key {shown(name)}", location, dotted(path), expected=expected, hint=hint)


# The two forms of `arguments:`, where it is neither.
_OF_ARGUMENTS: Final = {
    "ambiguous_arguments": (AMBIGUOUS, HOW_TO_SAY),
    "untyped_arguments": (NO_TYPE, ADD_TYPE),
}
# Keys of the tools of OpenAI, MCP and others, where an action or function is declared.
_OF_TOOLS: Final = {
    "function": "write its 'description' here, and its 'parameters' as 'arguments'; the key above is its name",
    "name": "leave it out: the key above is the name",
    "strict": "leave it out: arguments are always checked",
    **dict.fromkeys(
        ("inputSchema", "input_schema", "inputs", "parametersJsonSchema", "schema"),
        "write it as 'arguments', which may be a JSON Schema of an object",
    ),
    **dict.fromkeys(("outputSchema", "output_schema", "response"), "write it as 'result'"),
}

# pydantic's record type → what is wrong, what would be right, and where the record holds the bound.
_BOUNDS: Final[dict[str, tuple[str, str, str]]] = {
    "greater_than": ("the number is too small", "more than {}", "gt"),
    "greater_than_equal": ("the number is too small", "at least {}", "ge"),
    "less_than": ("the number is too large", "less than {}", "lt"),
    "less_than_equal": ("the number is too large", "at most {}", "le"),
    "finite_number": ("the number is too large", "a finite number", ""),
    "string_too_short": ("the text is too short", "at least {} characters", "min_length"),
}


def _written(path: KeyPath, value: Any) -> KeyPath:
    """Shorten a path to what the file has: a short form (`responder: rules`) has fewer levels than its model."""
    for length, part in enumerate(path):
        if not isinstance(value, dict | list):
            return path[:length]
        value = value_at(value, (part,))
    return path


def value_at(value: Any, path: Iterable[str | int]) -> Any:
    """Give the value a path leads to, or the deepest on the way that is neither list nor mapping."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list):
            value = value[part] if isinstance(part, int) and part < len(value) else None
        else:
            break
    return value
