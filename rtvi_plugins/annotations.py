"""Which JSON types an annotation takes: what a handler says it wants, in the words of what is declared."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

_ACCEPTS: Final[Mapping[type, frozenset[str]]] = {
    str: frozenset({"string"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer"}),
    float: frozenset({"number", "integer"}),
    list: frozenset({"array"}),
    collections.abc.Sequence: frozenset({"array", "string"}),
    collections.abc.Iterable: frozenset({"array", "object", "string"}),
    collections.abc.Collection: frozenset({"array", "object", "string"}),
    dict: frozenset({"object"}),
    collections.abc.Mapping: frozenset({"object"}),
    collections.abc.MutableMapping: frozenset({"object"}),
    types.NoneType: frozenset({"null"}),
}


def json_types_of(annotation: Any) -> frozenset[str]:
    """Give the JSON types an annotation takes; empty when that cannot be told, or when it takes all."""
    if annotation is None:
        return frozenset({"null"})
    if isinstance(annotation, typing.TypeVar | str) or annotation in (Any, object):
        return frozenset()
    if isinstance(annotation, typing.NewType):
        return json_types_of(annotation.__supertype__)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return json_types_of(typing.get_args(annotation)[0])
    if origin is typing.Literal:
        return frozenset().union(*(_ACCEPTS.get(type(v), frozenset()) for v in typing.get_args(annotation)))
    if origin in (typing.Union, types.UnionType):
        members = [json_types_of(member) for member in typing.get_args(annotation)]
        return frozenset().union(*members) if all(members) else frozenset()
    if typing.is_typeddict(annotation):
        return frozenset({"object"})
    return _ACCEPTS.get(origin or annotation, frozenset()) if isinstance(origin or annotation, type) else frozenset()
