"""`arguments:` written as a JSON Schema: what is wrong beside its properties, though it is good JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.errors import did_you_mean, quoted
from rtvi_plugins.schema import SchemaFault, normalise
from rtvi_plugins.schema.keywords import subschemas
from rtvi_plugins.schema.references import usage
from rtvi_plugins.schema.rules import IN_PLACE, closed, takes_others

if TYPE_CHECKING:
    from rtvi_plugins.manifest.model import Arguments

_MOST_NAMES: Final = 20
_NOT_RULES: Final = frozenset({"type", "$defs", "$id"})


def split_keywords(arguments: Arguments) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """Return the rules that a schema has beside its properties, and the `$defs` that it brings, if it does."""
    keywords = arguments.keywords
    definitions = keywords.get("$defs")
    rules = {key: held for key, held in keywords.items() if key not in _NOT_RULES}
    return rules, definitions if isinstance(definitions, Mapping) else None


def misplaced_required(arguments: Arguments) -> Iterator[SchemaFault]:
    """Find `required: true` inside a property: in a schema, `required` lists names."""
    for name, argument in arguments.properties.items():
        if isinstance(argument.required, bool) and "required" in argument.model_fields_set:
            text = "'required' of a property is no word of JSON Schema"
            hint = f"list '{name}' under 'required' beside 'properties'"
            yield SchemaFault(("properties", name, "required"), "bad-schema", text, hint=hint, on_key=True)


def lost_names(arguments: Arguments, rules: Mapping[str, Any]) -> Iterator[SchemaFault]:
    """Find names in rules that no call may give, because nothing declares them."""
    try:
        whole = normalise({**rules, "required": list(arguments.required or ())})
    except ValueError:
        return  # told by whoever checks the schema
    known = set(arguments.properties)
    if not isinstance(whole, dict) or takes_others(
        closed({k: held for k, held in whole.items() if k != "required"}, known)
    ):
        return
    for path, schema in subschemas({key: held for key, held in whole.items() if key in (*IN_PLACE, "not")}):
        yield from _lost_in(schema, path, known)
    yield from _lost_in(whole, (), known)


def _lost_in(schema: Mapping[str, Any], path: tuple[str | int, ...], known: set[str]) -> Iterator[SchemaFault]:
    for place, name, is_key in _names_in(schema):
        if isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known)
            expected = "" if hint or not known or len(known) > _MOST_NAMES else quoted(known)
            text = f"no argument '{name[:100]}' is declared"
            yield SchemaFault((*path, *place), "bad-schema", text, expected, hint, on_key=is_key)


def _names_in(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any, bool]]:
    """Give the names of properties that a schema asks for: the place, the name, whether it is a key."""
    required, dependent = schema.get("required"), schema.get("dependentRequired")
    for number, name in enumerate(required if isinstance(required, list) else ()):
        yield ("required", number), name, False
    for name, others in dependent.items() if isinstance(dependent, dict) else ():
        yield ("dependentRequired", name), name, True
        for number, other in enumerate(others if isinstance(others, list) else ()):
            yield ("dependentRequired", name, number), other, False


def local_references(rules: Mapping[str, Any]) -> Iterator[SchemaFault]:
    """Find references from one part of the schema to another that is no definition."""
    try:
        document = normalise(rules)
    except ValueError:
        return
    if usage(document).is_local:
        text = "a reference here leads to another place than a definition"
        yield SchemaFault((), "bad-schema", text, "references like '#/$defs/Name'", "write what it names under '$defs'")
