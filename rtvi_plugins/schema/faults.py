"""What is wrong with a value, in our words: never the value itself, which may be secret, and no library prose.

The validator's own list of errors copies the value once for each, so a hostile value could make it cost gigabytes; and
it explains every branch of `anyOf`, which in a schema that refers to itself doubles with each level. Hence the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson
from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.schema.compiler import Compiled
from rtvi_plugins.schema.keywords import Path, kind_of
from rtvi_plugins.schema.survey import Survey, pointer, survey

MAX_FAULTS: Final = 100
_MAX_NODES: Final = 1_000
_MAX_CHARACTERS: Final = 65_536
_MAX_BRANCHED_DEPTH: Final = 6
_MAX_WORDS: Final = 20

Found = tuple[Path, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a value breaks its schema.

    pointer: JSON pointer into the value, empty for the whole of it.
    text:    what was expected and what kind of thing came (`expected integer, got string`); never the value given.
    """

    pointer: str
    text: str


def faults_of(compiled: Compiled, value: object) -> tuple[Fault, ...]:
    """Say everything that is wrong with a value, at most `MAX_FAULTS`; empty when it is JSON and valid. Raises nothing.

    Of a value beyond the bounds only the first fault is told, or that there is one.
    """
    seen = survey(value)
    if seen.broken:
        return (Fault(pointer(seen.broken.path), seen.broken.text),)
    try:
        if compiled.is_valid(value):
            return ()
        errors = list(_errors(compiled, value, seen))
    except ValueError:  # the validator's own limit on nesting
        errors = []
    if not errors:
        return (Fault("", "does not fit its schema, and is too large or too deep to say where"),)
    # Where the type is wrong already, the members of `enum` are no news.
    mistyped = {tuple(error.instance_path) for error in errors if isinstance(error.kind, Kind.Type)}
    found = (
        Fault(pointer(path), text)
        for error in errors
        if not isinstance(error.kind, Kind.Enum | Kind.Constant) or tuple(error.instance_path) not in mistyped
        for path, text in describe(error, value, compiled.document)
    )
    return tuple(islice(dict.fromkeys(found), MAX_FAULTS))


def _errors(compiled: Compiled, value: Any, seen: Survey) -> Iterable[ValidationError]:
    branched_too_deep = compiled.has_branches and compiled.is_recursive and seen.depth > _MAX_BRANCHED_DEPTH
    is_large = seen.nodes > _MAX_NODES or seen.characters > _MAX_CHARACTERS
    if branched_too_deep or (is_large and compiled.has_branches):
        return ()
    if not is_large:
        return compiled.validator.iter_errors(value)
    try:
        compiled.validator.validate(value)
    except ValidationError as first:
        return (first,)
    return ()


def describe(error: ValidationError, value: Any, document: object = None) -> Iterator[Found]:
    """Put one of the validator's errors into words, each with its path into the value; an error may be several.

    document: the schema that was compiled, to suggest names from; None when there is nothing to suggest.
    """
    path = tuple(error.instance_path)
    match error.kind:
        case Kind.Required(name):
            yield (*path, name), "missing"
        case Kind.AdditionalProperties(names) | Kind.UnevaluatedProperties(names):
            known = _properties_beside(document, error.schema_path) - _names_at(value, path)
            for name in names:
                yield (*path, name), unknown("property", name, known)
        case Kind.FalseSchema() if error.schema_path[-1:] == ["additionalProperties"]:
            yield path, "holds properties beyond those allowed"  # the validator's first error does not say which
        case Kind.PropertyNames(inner):
            name = inner.instance if isinstance(inner.instance, str) else ""
            for _, text in describe(inner, name):
                yield (*path, name), f"the name {text}"
        case Kind.AnyOf(branches) | Kind.OneOfNotValid(branches):
            yield from _no_branch(path, branches, value, document)
        case Kind.Type(types):
            yield path, f"expected {' or '.join(sorted(types))}, got {kind_of(_at(value, path))}"
        case _:
            yield path, _sentence(error.kind)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not one of those known, with the nearest of them."""
    hint = did_you_mean(name, known)
    return f"not a known {what}; {hint}" if hint else f"not a known {what}"


def missing_and_unknown(known: Mapping[str, bool], given: Mapping[str, object], what: str) -> Iterator[Fault]:
    """Compare the names given with the names known (name → whether required): missing ones, then unknown ones."""
    for name, is_required in known.items():
        if is_required and name not in given:
            yield Fault(pointer((name,)), "missing")
    free = known.keys() - given.keys()
    for name in given:
        if name not in known:
            yield Fault(pointer((name,)), unknown(what, name, free))


# The texts of errors that concern one place and need one number or word of the schema.
_SENTENCES: Final[Mapping[type[Any], Callable[[Any], str]]] = {
    Kind.Minimum: lambda k: f"must be at least {k.limit}",
    Kind.Maximum: lambda k: f"must be at most {k.limit}",
    Kind.ExclusiveMinimum: lambda k: f"must be more than {k.limit}",
    Kind.ExclusiveMaximum: lambda k: f"must be less than {k.limit}",
    Kind.MultipleOf: lambda k: f"must be a multiple of {k.multiple_of}",
    Kind.MinLength: lambda k: f"must have at least {_count(k.limit, 'character')}",
    Kind.MaxLength: lambda k: f"must have at most {_count(k.limit, 'character')}",
    Kind.MinItems: lambda k: f"must have at least {_count(k.limit, 'item')}",
    Kind.MaxItems: lambda k: f"must have at most {_count(k.limit, 'item')}",
    Kind.MinProperties: lambda k: f"must have at least {_count(k.limit, 'property', 'properties')}",
    Kind.MaxProperties: lambda k: f"must have at most {_count(k.limit, 'property', 'properties')}",
    Kind.Pattern: lambda k: f"must match the pattern {_short(k.pattern)}",
    Kind.BacktrackLimitExceeded: lambda _: "takes too long to compare with its pattern",
    Kind.RegexEngineFailure: lambda _: "takes too long to compare with its pattern",
    Kind.Format: lambda k: "must be a regular expression" if k.format == "regex" else f"must be a {k.format}",
    Kind.UniqueItems: lambda _: "must not hold the same item twice",
    Kind.Contains: lambda _: "does not hold the right number of items of the kind it must contain",
    Kind.UnevaluatedItems: lambda _: "holds items beyond those allowed",
    Kind.FalseSchema: lambda _: "must not be given",
    Kind.Not: lambda _: "is of a kind that is not allowed",
    Kind.OneOfMultipleValid: lambda _: "fits more than one form, where exactly one is allowed",
    Kind.Constant: lambda k: f"must be {_literal(k.expected_value)}",
    Kind.Enum: lambda k: one_of(k.options),
}


def _sentence(kind: Kind) -> str:
    make = _SENTENCES.get(type(kind))
    return make(kind) if make else f"does not satisfy '{kind.name}'"


def one_of(options: Sequence[Any]) -> str:
    """Say which values are legal, or how many when they are many."""
    if len(options) > _MAX_WORDS:
        return f"expected one of {len(options)} listed values"
    if len(options) == 1:
        return f"expected {_literal(options[0])}"
    if options and all(isinstance(option, str) and len(option) < 100 for option in options):
        return f"expected one of {quoted(options)}"
    words = [_literal(option) for option in options]
    return f"expected one of {', '.join(words[:-1])} or {words[-1]}" if words else "no value is allowed"


def _no_branch(path: Path, branches: list[list[ValidationError]], value: Any, document: object) -> Iterator[Found]:
    """Explain why no form of `anyOf`/`oneOf` fits: by types, or by the one form that was plainly meant."""
    here = len(path)
    if all(len(branch) == 1 and _is_type_error(branch[0], here) for branch in branches):
        types = {name for branch in branches for name in _types(branch[0])}
        yield path, f"expected {' or '.join(sorted(types))}, got {kind_of(_at(value, path))}"
        return
    meant = [branch for branch in branches if not any(_is_other_form(error, here) for error in branch)]
    if len(meant) == 1:
        for error in meant[0]:
            yield from describe(error, value, document)
    else:
        yield path, f"fits none of the {len(branches)} forms allowed"


def _is_type_error(error: ValidationError, depth: int) -> bool:
    return isinstance(error.kind, Kind.Type) and len(error.instance_path) == depth


def _is_other_form(error: ValidationError, depth: int) -> bool:
    """Tell whether an error says that another form was meant: a wrong type, or a wrong word here or one level down."""
    chooses = isinstance(error.kind, Kind.Constant | Kind.Enum) and len(error.instance_path) <= depth + 1
    return chooses or _is_type_error(error, depth)


def _types(error: ValidationError) -> list[str]:
    return error.kind.types if isinstance(error.kind, Kind.Type) else []


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _names_at(value: Any, path: Path) -> set[str]:
    here = _at(value, path)
    return set(here) if isinstance(here, Mapping) else set()


def _properties_beside(document: object, schema_path: Sequence[str | int]) -> set[str]:
    """Find the property names declared beside the keyword an error came from; none when the path leads elsewhere."""
    here: Any = document
    for step in schema_path[:-1]:
        if isinstance(here, Mapping):
            here = here.get(str(step))
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            return set()
    declared = here.get("properties") if isinstance(here, Mapping) else None
    return set(declared) if isinstance(declared, Mapping) else set()


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return _short(value)
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # a number beyond 64 bits
        text = str(value)
    return text if len(text) <= 100 else f"the {kind_of(value)} its schema names"


def _short(text: str) -> str:
    return f"'{text}'" if len(text) <= 200 else f"'{text[:200]}…'"
