"""What a class can be given: the parameters of its constructor, its `Settings`, its `params`.

Each is a slot: a name, and the type it is annotated with, as JSON Schema to check a manifest's values against and as a
pydantic adapter that turns them into what the class wants. A type that has no form in JSON is left to the class.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, Union, get_args, get_origin

import orjson
from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from rtvi_plugins.schema import Fault, ValueSchema, check, compile_value

_SENTINELS: Final = frozenset({"NotGiven", "Omit", "_NotGiven", "NOT_GIVEN", "UNSET"})
_BY_CUSTOM: Final[Mapping[str, Any]] = {"api_key": str | None, "base_url": str | None}
"""Parameters that services of Pipecat's leave without annotation, and what they are all the same."""
_MAX_INLINED: Final = 8
"""Levels of definitions written out in one another; what lies deeper, or comes back to itself, may be anything."""


@dataclass(frozen=True, eq=False, repr=False)
class Slot:
    """One thing that a class can be given.

    annotation: its type, resolved; `Any` where it could not be.
    schema:     what its type allows, of JSON; None where that cannot be told.
    """

    name: str
    annotation: Any
    is_required: bool
    schema: ValueSchema | None
    _adapter: TypeAdapter[Any] | None

    def faults(self, value: Any) -> tuple[Fault, ...]:
        """Say what is wrong with a value from a manifest."""
        if self.schema is None:
            return ()
        faults = check(self.schema, value)
        if faults:
            return faults
        try:
            self.convert(value)
        except ValidationError as error:  # a rule of the type that JSON Schema cannot tell
            record = error.errors(include_url=False, include_input=False, include_context=False)[0]
            pointer = "".join(f"/{part}" for part in record["loc"] if not isinstance(part, str) or part.isidentifier())
            return (Fault(pointer, f"is refused: {record['type'].replace('_', ' ')}"),)
        return ()

    def convert(self, value: Any) -> Any:
        """Make of a value from a manifest what the class takes; a new object each time. Raises ValidationError."""
        raw = orjson.dumps(value)
        return orjson.loads(raw) if self._adapter is None else self._adapter.validate_json(raw)

    @property
    def classes(self) -> tuple[type, ...]:
        """The classes an object given here may be of; empty where that cannot be told."""
        members = tuple(_members(self.annotation))
        return tuple(m for m in members if m is not type(None)) if all(isinstance(m, type) for m in members) else ()


@dataclass(frozen=True, eq=False, repr=False)
class Slots:
    """All that a class, or a function, can be given by keyword. `is_open`: it takes any other name as well."""

    table: Mapping[str, Slot]
    is_open: bool = False

    def annotated(self, name: str) -> Any:
        """Give the annotation of a slot; None where there is no such slot."""
        slot = self.table.get(name)
        return None if slot is None else slot.annotation


def parameters_of(target: Callable[..., Any]) -> Slots:
    """Give the parameters that can be given by keyword: also those of base classes, where `**kwargs` hands them on."""
    if not isinstance(target, type):
        return _parameters_of(target)
    if issubclass(target, BaseModel):
        return fields_of(target)
    return _parameters_of_class(target)  # type: ignore[arg-type] # mypy misses that classes are hashable


@cache
def _parameters_of_class(target: type[Any]) -> Slots:
    return _parameters_of(target)


def _parameters_of(target: Callable[..., Any]) -> Slots:
    table: dict[str, Slot] = {}
    functions = _initialisers(target) if isinstance(target, type) else iter((target,))
    takes_rest = False
    for function in functions:
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # written in C
            return Slots(types.MappingProxyType(table), is_open=True)
        scope = getattr(inspect.unwrap(function), "__globals__", {})
        takes_rest = False
        is_outer = not table
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                takes_rest = True
            elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY) or name == "self":
                continue
            elif name not in table:
                # What a base class needs is the subclass's affair, which hands it on.
                is_required = is_outer and parameter.default is parameter.empty
                is_told = parameter.annotation is not parameter.empty
                annotation = _resolved(parameter.annotation, scope) if is_told else _BY_CUSTOM.get(name, Any)
                table[name] = _slot(name, annotation, is_required=is_required)
        if not takes_rest:
            break
    return Slots(types.MappingProxyType(table), is_open=takes_rest and not isinstance(target, type))


def _initialisers(target: type) -> Iterator[Callable[..., Any]]:
    for owner in target.__mro__:
        if owner is not object and "__init__" in vars(owner):
            yield vars(owner)["__init__"]


@cache
def fields_of(model: type[Any]) -> Slots:
    """Give the fields of a pydantic model or dataclass, under the names a manifest writes."""
    table: dict[str, Slot] = {}
    if issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            kind = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
            table[name] = _slot(name, kind, is_required=info.is_required())
        return Slots(types.MappingProxyType(table), is_open=model.model_config.get("extra") == "allow")
    for field in dataclasses.fields(model):
        owner = next(o for o in model.__mro__ if field.name in vars(o).get("__annotations__", {}))
        scope = vars(sys.modules[owner.__module__])
        is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.init:
            table[field.name] = _slot(field.name, _resolved(field.type, scope), is_required=is_required)
    return Slots(types.MappingProxyType(table))


def model_in(annotation: Any) -> type | None:
    """Find the pydantic model or dataclass that an annotation allows, if it is one."""
    found = [m for m in _members(annotation) if isinstance(m, type)]
    found = [m for m in found if issubclass(m, BaseModel) or dataclasses.is_dataclass(m)]
    return found[0] if len(found) == 1 else None


def for_option(slot: Slot) -> Mapping[str, Any]:
    """Give the schema of a slot as an option has it: null left out, since it means `not supported` in Pipecat."""
    document: Any = {} if slot.schema is None else slot.schema.document
    if not isinstance(document, dict) or "anyOf" not in document:
        return document if isinstance(document, dict) else {}
    branches = [branch for branch in document["anyOf"] if branch.get("type") != "null"]
    if {"type": "string"} in branches:  # the words of an enum are strings too
        branches = [b for b in branches if b == {"type": "string"} or b.get("type") != "string"]
    rest = {key: value for key, value in document.items() if key != "anyOf"}
    return {**rest, **branches[0]} if len(branches) == 1 else {**rest, "anyOf": branches}


# -- types ------------------------------------------------------------------------------------------------------------


def _resolved(annotation: Any, scope: Mapping[str, Any]) -> Any:
    """Resolve one annotation by itself: a class may have others that only a type checker can resolve."""
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, globalns=dict(scope), include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - whatever stands in an annotation that cannot be evaluated
        return Any


def _members(annotation: Any) -> Iterator[Any]:
    """Give what a union allows, without the markers for `not given`; what is no union is its own member."""
    if get_origin(annotation) is Annotated and isinstance(get_args(annotation)[0], types.UnionType):
        annotation = get_args(annotation)[0]
    if isinstance(annotation, types.UnionType) or get_origin(annotation) is Union:
        for member in get_args(annotation):
            yield from _members(member)
    elif getattr(annotation, "__name__", "") not in _SENTINELS:
        yield annotation


def _slot(name: str, annotation: Any, *, is_required: bool) -> Slot:
    kind, adapter, schema = _of_type(annotation)
    return Slot(name, kind, is_required, schema, adapter)


def _of_type(annotation: Any) -> tuple[Any, TypeAdapter[Any] | None, ValueSchema | None]:
    members = list(_members(annotation))
    kind = annotation if list(_all_members(annotation)) == members else Union[tuple(members)] if members else Any  # noqa: UP007
    if kind is Any:
        return Any, None, None
    # A member that no JSON can be (a callable, an object of Pipecat's) is left out: objects are given with `{use: …}`.
    in_json = [member for member in members if _document(member) is not None]
    if not in_json:
        return kind, None, None
    adapted = kind if len(in_json) == len(members) else Union[tuple(in_json)]  # noqa: UP007
    document = _document(adapted)
    if document is None:
        return kind, None, None
    try:
        return kind, _adapter(adapted), compile_value(document)
    except ValueError:
        return kind, None, None


def _all_members(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, types.UnionType) or get_origin(annotation) is Union:
        yield from get_args(annotation)
    else:
        yield annotation


def _adapter(kind: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(kind)
    except PydanticSchemaGenerationError:
        return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))


def _document(kind: Any) -> dict[str, Any] | None:
    """Give the JSON Schema of a type, closed and written out; None for a type without a form in JSON."""
    try:
        document = _adapter(kind).json_schema(schema_generator=_Lenient)
    except (PydanticUserError, TypeError, NameError, AttributeError, ValueError):
        return None
    if not document and kind is not Any:
        return None
    definitions = document.pop("$defs", {})
    written_out: dict[str, Any] = _written_out(document, definitions, 0)
    return written_out


class _Lenient(GenerateJsonSchema):
    """Lets what has no form in JSON be anything, so that the rest of a model can be told."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:  # noqa: ARG002
        return {}

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Say nothing: the manifest's author can do nothing about Pipecat's types."""


_DROPPED: Final = frozenset({"title", "description", "default", "discriminator", "examples", "deprecated", "format"})


def _written_out(schema: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    """Put definitions in the place of references, close objects to unknown names, leave out what is for readers."""
    if isinstance(schema, list):
        return [_written_out(item, definitions, depth) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return {} if depth > _MAX_INLINED else _written_out(definitions.get(name, {}), definitions, depth + 1)
    new: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            new[key] = {name: _written_out(item, definitions, depth) for name, item in value.items()}
        elif key in ("enum", "const", "required"):
            new[key] = value
        elif key not in _DROPPED:
            new[key] = _written_out(value, definitions, depth)
    if "properties" in new:
        new.setdefault("additionalProperties", False)
    return new
