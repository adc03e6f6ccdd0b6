"""The JSON form of what handlers return and send: of values that are no JSON but have one obvious form in it.

| value | its JSON form |
| --- | --- |
| pydantic model | what `model_dump(mode="json")` gives |
| dataclass | an object of its fields |
| `Enum` | the JSON form of its value |
| `UUID`, `Path` | its text |
| `datetime`, `date`, `time` | its text as ISO 8601 has it |
| `tuple` | an array |
| other mappings, and names in them that have a text for their form | an object |

Nothing else has one: a set has no order, `Decimal`, `timedelta` and `bytes` have several forms, and `str()` of an
unknown object says nothing about it. Only what JSON writers refuse comes here, so that plain results pay nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import math
import uuid
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

from pydantic import BaseModel

from rtvi_plugins.protocol.messages import NotJSONError

MAX_DEPTH: Final = 1_000
MAX_ENTRIES: Final = 1_000_000
"""Entries of all arrays and objects together: what stands in a value many times over is written as often."""

Way = tuple[Any, str | int] | None
"""Where a value stands: the way of what it is in, and its name or number there; None for the whole."""


def json_form(value: Any) -> Any:
    """Return a value's JSON form, the same value where it is plain. Raises NotJSONError with the place and the type."""
    return _Walk().form(value)


def type_name(value: object) -> str:
    """Return the name of a value's type, as an author would look for it: `decimal.Decimal`."""
    named = type(value)
    return named.__qualname__ if named.__module__ == "builtins" else f"{named.__module__}.{named.__qualname__}"


class _Walk:
    """One walk through a value: what it holds is put aside and taken up later, so that no nesting can break it."""

    def __init__(self) -> None:
        self._room = MAX_ENTRIES
        self._waiting: list[tuple[Any, int, Any, str | int, Way]] = []
        """What has yet to be written: the value, its depth, into what, under which name or number, where it stands."""
        self._around: set[int] = set()
        """The arrays and objects around the one at hand, by `id`."""

    def form(self, value: Any) -> Any:
        whole = [value]
        self._waiting.append((value, 0, whole, 0, None))
        while self._waiting:
            given, depth, into, key, way = self._waiting.pop()
            if into is None:  # everything in this one is written
                self._around.discard(id(given))
            else:
                into[key] = self._written(given, depth, way)
        return whole[0]

    def _written(self, value: Any, depth: int, way: Way) -> Any:
        while not isinstance(value, _CONTAINERS):
            simpler = _simpler(value, way)
            if simpler is value:
                return value
            value = simpler
        self._room -= len(value)
        if id(value) in self._around:
            raise _refused(way, "a value contains itself")
        if depth >= MAX_DEPTH or self._room < 0:
            bound = f"nested more than {MAX_DEPTH} levels deep" if depth >= MAX_DEPTH else f"{MAX_ENTRIES} entries"
            raise _refused(None, f"too large: {bound}")
        self._around.add(id(value))
        self._waiting.append((value, depth, None, 0, way))
        if isinstance(value, Mapping):
            return self._object(value, depth, way)
        written = [None] * len(value)
        self._waiting += [(item, depth + 1, written, index, (way, index)) for index, item in enumerate(value)]
        return written

    def _object(self, value: Mapping[Any, Any], depth: int, way: Way) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for key, item in value.items():
            name = key if type(key) is str else _name(key, way)
            if name in written:
                raise _refused(way, f"two names become '{name[:100]}'")
            written[name] = None
            self._waiting.append((item, depth + 1, written, name, (way, name)))
        return written


_CONTAINERS: Final = (list, dict, tuple, Mapping)
_PLAIN: Final = frozenset({str, int, bool, float, type(None)})
_FORMS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...]] = (
    (enum.Enum, lambda value: value.value),
    ((dt.datetime, dt.date, dt.time), lambda value: value.isoformat()),
    ((uuid.UUID, PurePath), str),
    # Kinds of what JSON has, whatever they make of `str()`.
    (str, str.__str__),
    (int, int.__index__),
    (float, float.__float__),
)


def _simpler(value: Any, way: Way) -> Any:
    """Return what a value that is no array or object stands for; the value itself where it is plain."""
    if type(value) in _PLAIN:
        if type(value) is float and not math.isfinite(value):
            raise _refused(way, "NaN and infinities are not JSON")
        return value
    if isinstance(value, BaseModel):
        try:
            return value.model_dump(mode="json")
        except Exception as error:
            raise _refused(way, f"a '{type_name(value)}' cannot be written: {type(error).__name__}") from error
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    for types, form in _FORMS:
        if isinstance(value, types):
            return form(value)
    raise _refused(way, f"a '{type_name(value)}' has no JSON form")


def _name(key: Any, way: Way) -> str:
    name = json_form(key)
    if not isinstance(name, str):
        raise _refused(way, f"a name is a '{type_name(key)}', not text")
    return name


def _refused(way: Way, text: str) -> NotJSONError:
    steps: list[str] = []
    while way is not None:
        way, step = way
        steps.append(str(step))
    place = ".".join(reversed(steps))
    return NotJSONError(f"{place[:200]}: {text}" if place else text)
