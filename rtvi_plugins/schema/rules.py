"""Rules across the arguments of one call: what JSON Schema says of an object beside its properties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rtvi_plugins.errors import Suggestions
from rtvi_plugins.schema.compiler import Compiled, compiled
from rtvi_plugins.schema.explanation import explain
from rtvi_plugins.schema.faults import Fault
from rtvi_plugins.schema.keywords import subschemas
from rtvi_plugins.schema.references import SharedSchemas, self_contained
from rtvi_plugins.schema.survey import pointer

IN_PLACE: Final = ("allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "$ref", "$dynamicRef")
"""Keywords that apply a further schema to the same object."""
_OPENING: Final = frozenset({"patternProperties", "$ref", "$dynamicRef"})
_REST: Final = ("additionalProperties", "unevaluatedProperties")
_TOGETHER: Final = {
    "if": ("if", "then", "else"),
    "then": (),
    "else": (),
    "additionalProperties": ("additionalProperties", "patternProperties"),
}
"""Keywords that mean something only beside others; those that are judged with another one."""
_COUNTS: Final = {"minProperties": "at least", "maxProperties": "at most"}
_JUDGED_BEFORE: Final = frozenset({"properties", "required"})


def closed(rules: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return rules that refuse names which nothing declares, unless they say themselves what becomes of these.

    names: the declared properties.
    """
    if "additionalProperties" in rules or "unevaluatedProperties" in rules:
        return dict(rules)
    known = set(names)
    inside = {key: held for key, held in rules.items() if key in IN_PLACE}
    opens = any(_declares_others(schema, known) for _, schema in subschemas(inside))
    return {**rules, "unevaluatedProperties" if opens else "additionalProperties": False}


def _declares_others(schema: Mapping[str, Any], known: set[str]) -> bool:
    """Return whether a schema of the same object says something of properties that are not declared."""
    if not _OPENING.isdisjoint(schema) or any(schema.get(key, False) is not False for key in _REST):
        return True
    properties = schema.get("properties")
    return isinstance(properties, Mapping) and not properties.keys() <= known


def takes_others(rules: Mapping[str, Any]) -> bool:
    """Return whether names that `properties` does not have may be given under these rules."""
    if "patternProperties" in rules:
        return True
    if "additionalProperties" in rules:
        return rules["additionalProperties"] is not False
    return True  # other properties are declared in a branch, or anything is


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The rules of one object.

    keywords: normalised; without `type`, `properties`, `required` and `$defs`.
    names:    the declared properties.
    """

    keywords: Mapping[str, Any]
    names: tuple[str, ...]
    shared: SharedSchemas = field(repr=False)

    def unknown_among(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the undeclared names that are not known at all; the others are for these rules to judge."""
        if self.keywords.get("additionalProperties") is not False:
            return
        patterns = self.keywords.get("patternProperties")
        if not patterns:
            yield from names
            return
        part = self._part({"patternProperties": dict.fromkeys(patterns, True), "additionalProperties": False})
        yield from (name for name in names if not part.is_valid({name: None}))

    def explain(self, value: Mapping[Any, Any], suggest: Suggestions) -> Iterator[Fault]:
        """Say which rules a call breaks, each in few words."""
        told: set[Fault] = set()  # one rule may be judged with another
        for fault in self._explain(self.keywords, value, suggest):
            if fault not in told:
                told.add(fault)
                yield fault

    def _explain(self, keywords: Mapping[str, Any], value: Mapping[Any, Any], suggest: Suggestions) -> Iterator[Fault]:
        for keyword, held in keywords.items():
            if keyword == "additionalProperties" and held is False:
                continue  # strangers are told one by one
            group = _TOGETHER.get(keyword, (keyword,))
            part = self._part({key: keywords[key] for key in group if key in keywords})
            if not group or _is_valid(part, value):
                continue
            own = self._own_words(keyword, held, value, suggest)
            first = next(own, None)
            if first is None:
                yield from explain(part, value, (), suggest)
            else:
                yield first
                yield from own

    def _part(self, keywords: Mapping[str, Any]) -> Compiled:
        known: dict[str, Any] = {}
        if "additionalProperties" in keywords or "unevaluatedProperties" in keywords:
            known = {"properties": dict.fromkeys(self.names, True)}
            if "unevaluatedProperties" in keywords:
                known |= {key: held for key, held in self.keywords.items() if key in (*IN_PLACE, "patternProperties")}
        whole = self_contained({**known, **keywords}, self.shared)
        return compiled(whole, checks_formats=self.shared.checks_formats)

    def _own_words(self, keyword: str, held: Any, value: Mapping[Any, Any], suggest: Suggestions) -> Iterator[Fault]:
        """Say in few words what a rule asks for; nothing where the validator says it better."""
        if keyword in ("anyOf", "oneOf", "not"):
            yield from _names_asked_for(keyword, [held] if keyword == "not" else held, value)
        elif keyword == "dependentRequired":
            for name, needed in held.items():
                absent = [other for other in needed if other not in value] if name in value else []
                yield from (Fault(pointer((other,)), f"missing, since '{name}' is given") for other in absent)
        elif keyword in _COUNTS:
            yield Fault("", f"must have {_COUNTS[keyword]} {held} argument{'' if held == 1 else 's'}")
        elif keyword == "allOf":
            for branch in held:
                if isinstance(branch, Mapping) and _JUDGED_BEFORE.isdisjoint(branch):
                    yield from self._explain(branch, value, suggest)


def _names_asked_for(keyword: str, branches: Any, value: Mapping[Any, Any]) -> Iterator[Fault]:
    groups = _all_required(branches)
    if groups is None:
        return
    given = [group for group in groups if value.keys() >= set(group)]
    if keyword == "not":
        together = " together" if len(groups[0]) > 1 else ""
        yield Fault("", f"must not have {_listed(groups, 'or')}{together}")
    elif keyword == "oneOf" and len(given) > 1:
        yield Fault("", f"must have only one of {_listed(given, 'and')}")
    else:
        either = "either " if len(groups) > 1 else ""
        yield Fault("", f"must have {either}{_listed(groups, 'or')}")


def _all_required(branches: Any) -> list[list[str]] | None:
    """Return the names that each branch asks for; None where one says anything else."""
    groups: list[list[str]] = []
    for branch in branches:
        if not isinstance(branch, Mapping) or not branch.get("required") or branch.keys() - {"required", "description"}:
            return None
        groups.append(list(branch["required"]))
    return groups


def _listed(groups: Iterable[Iterable[str]], word: str) -> str:
    items = [" and ".join(f"'{name}'" for name in group) for group in groups]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def _is_valid(part: Compiled, value: Mapping[Any, Any]) -> bool:
    try:
        return part.is_valid(value)
    except ValueError:  # nested beyond what the validator takes
        return False
