"""What is wrong with a value, in our words: never the value itself, which may be secret, and no library prose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.schema.keywords import Path, kind_of

_MAX_WORDS: Final = 20

Found = tuple[Path, str]
Suggest = Callable[[str, Collection[str]], str]
"""Gives `did you mean 'x'?` for an unknown name and the known ones, or an empty string."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a value breaks its schema.

    pointer: JSON pointer into the value, empty for the whole of it.
    text:    what was expected and what kind of thing came (`expected integer, got string`); never the value given.
    named:   what people call the place, where that is not the path in the pointer: `voice.rate`.
    """

    pointer: str
    text: str
    named: str = ""

    @property
    def place(self) -> str:
        """The place for people, `hits.0.text:`; empty for the whole value."""
        if self.named:
            return f"{self.named}:"
        steps = [step.replace("~1", "/").replace("~0", "~") for step in self.pointer.split("/")[1:]]
        return ".".join(steps) + ":" if steps else ""

    def __str__(self) -> str:
        """Say place and text: `hits.0.text: expected string, got null`."""
        return f"{self.place} {self.text}".strip()


def describe(
    error: ValidationError, value: Any, document: object = None, suggest: Suggest = did_you_mean
) -> Iterator[Found]:
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
                yield (*path, name), unknown("property", name, known, suggest)
        case Kind.FalseSchema() if error.schema_path[-1:] == ["additionalProperties"]:
            yield path, BEYOND  # the validator's first error does not say which
        case Kind.PropertyNames(inner):
            name = inner.instance if isinstance(inner.instance, str) else ""
            for _, text in describe(inner, name):
                yield (*path, name), f"the name {text}"
        case Kind.AnyOf(branches) | Kind.OneOfNotValid(branches):
            yield from _no_branch(path, branches, value, document, suggest)
        case Kind.Type(types):
            yield path, mistyped(types, _at(value, path))
        case _:
            yield path, _sentence_of(error.kind)


def unknown(what: str, name: str, known: Collection[str], suggest: Suggest = did_you_mean) -> str:
    """Say that a name is not one of those known, with the nearest of them."""
    hint = suggest(name, known)
    return f"not a known {what}; {hint}" if hint else f"not a known {what}"


BEYOND: Final = "holds properties beyond those allowed"


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


# The texts for one place that need one number or word of the schema: the value of the keyword that is broken.
_SENTENCES: Final[Mapping[str, Callable[[Any], str]]] = {
    "minimum": lambda v: f"must be at least {v}",
    "maximum": lambda v: f"must be at most {v}",
    "exclusiveMinimum": lambda v: f"must be more than {v}",
    "exclusiveMaximum": lambda v: f"must be less than {v}",
    "multipleOf": lambda v: f"must be a multiple of {v}",
    "minLength": lambda v: f"must have at least {_count(v, 'character')}",
    "maxLength": lambda v: f"must have at most {_count(v, 'character')}",
    "minItems": lambda v: f"must have at least {_count(v, 'item')}",
    "maxItems": lambda v: f"must have at most {_count(v, 'item')}",
    "minProperties": lambda v: f"must have at least {_count(v, 'property', 'properties')}",
    "maxProperties": lambda v: f"must have at most {_count(v, 'property', 'properties')}",
    "pattern": lambda v: f"must match the pattern {_short(v)}",
    "format": lambda v: "must be a regular expression" if v == "regex" else f"must be of the format '{v}'",
    "uniqueItems": lambda _: "must not hold the same item twice",
    "contains": lambda _: "does not hold the right number of items of the kind it must contain",
    "unevaluatedItems": lambda _: "holds items beyond those allowed",
    "unevaluatedProperties": lambda _: BEYOND,
    "falseSchema": lambda _: "must not be given",
    "not": lambda _: "is of a kind that is not allowed",
    "const": lambda v: f"must be {_literal(v)}",
    "enum": one_of,
}


def sentence(keyword: str, value: Any) -> str:
    """Say what a keyword with this value asks for and did not get."""
    make = _SENTENCES.get(keyword)
    return make(value) if make else f"does not satisfy '{keyword}'"


def _sentence_of(kind: Any) -> str:
    """Say what one of the validator's errors is about, where that takes no more than the keyword and its value."""
    if isinstance(kind, Kind.OneOfMultipleValid):
        return "fits more than one form, where exactly one is allowed"
    return str(kind.message) if isinstance(kind, Kind.Custom) else sentence(kind.name, kind.value)


def mistyped(types: Collection[str], value: object) -> str:
    """Say which types were expected, and which came."""
    return f"expected {' or '.join(sorted(types))}, got {kind_of(value)}"


def _no_branch(
    path: Path, branches: list[list[ValidationError]], value: Any, document: object, suggest: Suggest
) -> Iterator[Found]:
    """Explain why no form of `anyOf`/`oneOf` fits: by types and words, or by the one form that was plainly meant."""
    here = len(path)
    if all(len(branch) == 1 and _is_type_error(branch[0], here) for branch in branches):
        yield path, mistyped({name for branch in branches for name in _types(branch[0])}, _at(value, path))
        return
    if (listed := _listed(branches, here)) is not None:
        yield path, listed
        return
    meant = [branch for branch in branches if not any(_is_other_form(error, here) for error in branch)]
    if len(meant) == 1:
        for error in meant[0]:
            yield from describe(error, value, document, suggest)
    else:
        yield path, no_form(len(branches))


def no_form(forms: int) -> str:
    """Say that a value has none of the forms of an `anyOf` or `oneOf`."""
    return f"fits none of the {forms} forms allowed"


def _listed(branches: list[list[ValidationError]], depth: int) -> str | None:
    """List the words of forms that are all one word of a list, or one type: `expected one of 'a' or 'b', or null`."""
    words: list[Any] = []
    types: set[str] = set()
    for branch in branches:
        # A list of words with its type beside it: the type is no news.
        chosen = [error for error in branch if isinstance(error.kind, Kind.Constant | Kind.Enum)]
        if any(len(error.instance_path) != depth for error in branch) or len(chosen) > 1:
            return None
        if chosen:
            words += words_of(chosen[0].kind)
            if any(error is not chosen[0] and not _is_type_error(error, depth) for error in branch):
                return None
        elif len(branch) == 1 and _is_type_error(branch[0], depth):
            types.update(_types(branch[0]))
        else:
            return None
    if not words:
        return None
    return ", or ".join([one_of(words), *sorted(types)])


def words_of(kind: Any) -> list[Any]:
    """Give the values that an `enum` or a `const` allows."""
    return list(kind.options) if isinstance(kind, Kind.Enum) else [kind.expected_value]


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
