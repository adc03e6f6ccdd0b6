"""The current configuration, as plugins see it: read only, down to the lists and objects in it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any


class Options(Mapping[str, Any]):
    """Option → value of one service; a list or an object is a copy each time: nobody changes the session's own."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return own(self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Config(Mapping[str, Options]):
    """Service → its options."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        self._values = values

    def __getitem__(self, service: str) -> Options:
        return Options(self._values[service])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def own(value: Any) -> Any:
    """Give a value for others to keep: a copy of what can be changed."""
    return copy.deepcopy(value) if isinstance(value, dict | list) else value
