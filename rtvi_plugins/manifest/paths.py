"""How a place inside a manifest, and text taken from one, are written in problems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""

_LONGEST: Final = 60
_MOST_PARTS: Final = 20


def printable(text: str) -> str:
    """Make text from a file fit for one line of a terminal: control characters escaped, long text cut."""
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return cut if cut.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)


def shown(text: str) -> str:
    """Quote text from a file for a message."""
    return f"'{printable(text)}'"


def dotted(path: Iterable[str | int]) -> str:
    """Write a path as `services.voice.options[2]`."""
    parts: list[str] = []
    given = tuple(path)
    if len(given) > _MOST_PARTS:
        return f"{dotted(given[:_MOST_PARTS])}…"
    for part in given:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        else:
            parts.append(f".{printable(part)}" if parts else printable(part))
    return "".join(parts)


def kind_of(value: Any) -> str:
    """Name the type of a JSON value in the words of the language."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"
