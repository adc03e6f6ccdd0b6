"""Compiled schemas: of one value, and of an action's arguments."""

from __future__ import annotations

import copy
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, Literal

from rtvi_plugins.errors import Suggestions
from rtvi_plugins.schema.bounds import is_plainly_json
from rtvi_plugins.schema.checking import uses_faulty
from rtvi_plugins.schema.compiler import Compiled, compiled
from rtvi_plugins.schema.explanation import GENERAL, MAX_FAULTS, explain
from rtvi_plugins.schema.faults import Fault, mistyped, unknown
from rtvi_plugins.schema.keywords import Document, normalise, rtvi_type_of
from rtvi_plugins.schema.patterns import shared_budget
from rtvi_plugins.schema.references import SharedSchemas, assemble, self_contained
from rtvi_plugins.schema.rules import Rules, closed, takes_others
from rtvi_plugins.schema.survey import pointer, survey


class _Missing(enum.Enum):
    MISSING = enum.auto()


MISSING: Final = _Missing.MISSING
"""No default; not the same as a default of None, which is JSON's null."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class ValueSchema:
    """A compiled value schema. Immutable: treat `document` as read-only.

    document:  normalised JSON Schema, self-contained: what clients see, with description, default and unit (`x-unit`).
    rtvi_type: one of `RTVI_TYPES`, for old clients.
    is_valid:  the validator's own bound method. It looks only as far as the schema does: a thing that is not JSON
               (bytes, a set, a mapping with other keys than text) raises `ValueError` where the schema looks at it and
               passes where it does not; a tuple is an array; NaN and infinity are numbers without a place in any order.
               `check` refuses all of these, and so does whatever writes the value as JSON.
               Nesting beyond what the validator can take raises `ValueError`.
    """

    document: Document
    rtvi_type: str
    is_valid: Callable[[Any], bool]
    _compiled: Compiled = field(repr=False)

    def explain(self, value: object, suggest: Suggestions) -> tuple[Fault, ...]:
        """Say what is wrong with a JSON value that is not valid. Ask `check`, which asks `is_valid` first."""
        return explain(self._compiled, value, suggest=suggest)


@dataclass(frozen=True, slots=True)
class ArgumentSource:
    """One argument as it was declared. `keywords` are as written; `default` counts only when `has_default`."""

    keywords: Mapping[str, Any] | bool
    required: bool = True
    has_default: bool = False
    default: Any = None
    description: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """One argument for a reader: its type for old clients, and its own self-contained document."""

    rtvi_type: str
    document: Document


@dataclass(frozen=True, slots=True, eq=False)
class ArgumentsSchema:
    """The one object schema of an action's arguments: what is described, given to an LLM, and validated against.

    document:   `{"type": "object", "properties", "required", "additionalProperties": false}`, with `$defs` (and `$id`)
                only if needed, and rules across the arguments.
    properties: argument → its description, in declared order.
    defaults:   argument → default, for those that have one.
    is_valid:   as `ValueSchema.is_valid`.
    is_open:    whether arguments may be given that `properties` does not have.
    noun:       what one of them is called where it is refused.
    """

    document: dict[str, Any]
    properties: Mapping[str, Described]
    defaults: Mapping[str, Any]
    is_valid: Callable[[Any], bool]
    is_open: bool
    _required: tuple[str, ...] = field(repr=False)
    _sources: Mapping[str, Document] = field(repr=False)
    _rules: Rules = field(repr=False)
    noun: str = "argument"

    def explain(self, value: object, suggest: Suggestions) -> tuple[Fault, ...]:
        """Say what is wrong with a JSON value that is not valid, in declared order, unknown arguments last."""
        if not isinstance(value, Mapping):
            return (Fault("", mistyped(("object",), value)),)
        with shared_budget():
            found = tuple(islice(self._faults(value, suggest), MAX_FAULTS))
        return found or (Fault("", GENERAL),)

    def _faults(self, value: Mapping[Any, object], suggest: Suggestions) -> Iterator[Fault]:
        for name, document in self._sources.items():
            if name in value:
                one = compiled(document, checks_formats=self._rules.shared.checks_formats)
                if not _is_valid(one.is_valid, value[name]):
                    yield from explain(one, value[name], (name,), suggest)
            elif name in self._required:
                yield Fault(pointer((name,)), "missing")
        for name in self._required:
            if name not in self._sources and name not in value:
                yield Fault(pointer((name,)), "missing")
        yield from self._rules.explain(value, suggest)
        free = [name for name in self._sources if name not in value]
        for name in value:
            if name not in self._sources and not self._rules.are_kept(str(name)):
                yield Fault(pointer((str(name),)), unknown(self.noun, str(name), free, suggest))

    def with_defaults(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Give the arguments with defaults filled in: the same dict when none is missing, else a new one.

        A default that is a list or an object is copied each time, so that a handler cannot change it for the next call.
        """
        if self.defaults.keys() <= arguments.keys():
            return arguments
        filled = dict(arguments)
        for name, default in self.defaults.items():
            if name not in filled:
                filled[name] = _fresh(default)
        return filled


def check(
    schema: ValueSchema | ArgumentsSchema, value: object, suggest: Suggestions | None = None
) -> tuple[Fault, ...]:
    """Say what is wrong with a value, at most 100 faults; empty when it is JSON and valid. Raises nothing.

    This is the only door for values: compiled code decides, and only what it refused is explained. The work is bounded
    whatever the value is, also where it is refused.

    suggest: what suggests names, where several checks make one answer.
    """
    if not is_plainly_json(value) and (broken := survey(value).broken):
        return (Fault(pointer(broken.path), broken.text),)
    if _is_valid(schema.is_valid, value):
        return ()
    return schema.explain(value, Suggestions() if suggest is None else suggest)


def _is_valid(check: Callable[[Any], bool], value: object) -> bool:
    try:
        return check(value)
    except ValueError:  # nested beyond what the validator takes
        return False


def compile_value(
    keywords: Mapping[str, Any] | bool,
    shared: Mapping[str, Any] = _NOTHING,
    *,
    description: str = "",
    default: Any | Literal[_Missing.MISSING] = MISSING,
    unit: str = "",
) -> ValueSchema:
    """Compile one value schema in which `check_document` found no fault; raises `ValueError` for another.

    shared: the manifest's `$defs`, as written or as `SharedSchemas`.
    """
    definitions = SharedSchemas.of(shared)
    document = self_contained(_or_anything(normalise(keywords), definitions), definitions)
    machine = compiled(document, checks_formats=definitions.checks_formats)
    shown = _annotated(document, description, default, unit)
    return ValueSchema(shown, rtvi_type_of(document), machine.is_valid, machine)


def compile_arguments(
    arguments: Mapping[str, ArgumentSource],
    shared: Mapping[str, Any] = _NOTHING,
    *,
    rules: Mapping[str, Any] = _NOTHING,
    also_required: Iterable[str] = (),
) -> ArgumentsSchema:
    """Compile the arguments of one action; raises `ValueError` when `check_document` would find a fault in one.

    rules: what JSON Schema says of an object beside `properties` and `required`: rules across arguments, `title`, and
           with `additionalProperties` what becomes of arguments that are not declared; else they are refused.
    also_required: names that a call must have, and `arguments` does not.
    """
    definitions = SharedSchemas.of(shared)
    sources = {name: _or_anything(normalise(source.keywords), definitions) for name, source in arguments.items()}
    required = [name for name, source in arguments.items() if source.required and not source.has_default]
    required += also_required
    across = normalise(rules)
    across = closed(across if isinstance(across, dict) and not uses_faulty(across, definitions) else {}, sources)
    document = assemble(sources, required, definitions, across)
    machine = compiled(document, checks_formats=definitions.checks_formats)
    defaults = {name: _fresh(source.default) for name, source in arguments.items() if source.has_default}
    alone = {name: self_contained(source, definitions) for name, source in sources.items()}
    described: dict[str, Described] = {}
    for name, source in arguments.items():
        notes = source.description, defaults.get(name, MISSING), source.unit
        document["properties"][name] = _annotated(document["properties"][name], *notes)
        described[name] = Described(rtvi_type_of(alone[name]), _annotated(alone[name], *notes))
    return ArgumentsSchema(
        document=document,
        properties=MappingProxyType(described),
        defaults=MappingProxyType(defaults),
        is_valid=machine.is_valid,
        is_open=takes_others(across),
        _required=tuple(required),
        _sources=alone,
        _rules=Rules(across, tuple(sources), definitions),
    )


def _or_anything(document: Document, shared: SharedSchemas) -> Document:
    """Give a document that can be compiled: `true` in place of one that takes a faulty shared definition.

    The fault is told at that definition; what uses it must neither fail nor be blamed for it.
    """
    return True if uses_faulty(document, shared) else document


def _annotated(document: Document, description: str, default: Any, unit: str) -> Document:
    """Add what readers want to know; what the schema itself says stands."""
    notes: dict[str, Any] = {}
    if description:
        notes["description"] = description
    if default is not MISSING:
        notes["default"] = _fresh(default)
    if unit:
        notes["x-unit"] = unit
    if not notes:
        return document
    if isinstance(document, bool):
        return notes if document else {"not": {}} | notes
    return document | {
        key: note for key, note in notes.items() if key != "description" or "description" not in document
    }


def _fresh(default: Any) -> Any:
    return copy.deepcopy(default) if isinstance(default, dict | list) else default
