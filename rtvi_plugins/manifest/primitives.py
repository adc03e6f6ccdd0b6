"""What every model of the manifest is made of: names, durations, tables, and our one base."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

NAME_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_-]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=100)]

K = TypeVar("K")
V = TypeVar("V")
Table = Annotated[Mapping[K, V], AfterValidator(MappingProxyType)]
"""A mapping nobody can change, in the order of the file."""


def nothing() -> Mapping[Any, Any]:
    """Give an empty table, for fields that may be left out."""
    return MappingProxyType({})


_DURATION: Final = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h)")
_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise PydanticCustomError("bad_duration", "not a duration")
        return float(match["number"]) * _UNIT_S[match["unit"]]
    return value


def is_duration(metadata: tuple[Any, ...]) -> bool:
    """Tell whether a field with this metadata is a `Seconds`."""
    return any(isinstance(entry, BeforeValidator) and entry.func is _seconds for entry in metadata)


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, le=86_400, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 86_400},
                {"type": "string", "pattern": rf"^{_DURATION.pattern}$|\$\{{env:".replace("?P", "?")},
            ]
        }
    ),
]
"""A duration in seconds: `500ms`, `10s`, `5m`, `1h` or a number."""


class Model(BaseModel):
    """Our one base: frozen, closed, strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Choice(Model):
    """Something chosen by name; where nothing else is said of it, the name alone stands for it."""

    use: str

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        return {"use": given} if isinstance(given, str) else given
