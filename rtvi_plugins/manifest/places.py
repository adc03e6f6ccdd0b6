"""Places: a tree of the same shape as a document's value, made of the parser's marks.

A mark carries the file's name, line and column, so parts of several files can stand in one tree.
"""

from __future__ import annotations

from typing import TypeAlias

from yaml.error import Mark

from rtvi_plugins.errors import Location

Entry: TypeAlias = "tuple[Mark, Place]"
"""Where a key begins, and its value."""
Place: TypeAlias = "Mark | tuple[Mark, dict[str, Entry]] | tuple[Mark, list[Place]]"
"""Where a value begins; for a mapping also its entries, for a list its items."""


def mark_of(place: Place) -> Mark:
    """Give where a value begins."""
    return place[0] if isinstance(place, tuple) else place


def location_of(mark: Mark) -> Location:
    """Turn the parser's mark, which counts from 0 and carries the file's name, into a location."""
    return Location(mark.name, mark.line + 1, mark.column + 1)


def step(place: Place, part: str | int) -> tuple[Mark | None, Place] | None:
    """Give the key's mark, where there is one, and the place that `part` leads to; None when it leads nowhere."""
    if not isinstance(place, tuple):
        return None
    inside = place[1]
    if isinstance(inside, dict):
        return inside.get(part) if isinstance(part, str) else None
    if isinstance(part, int) and 0 <= part < len(inside):
        return None, inside[part]
    return None


def moved(place: Place, mark: Mark) -> Place:
    """Give the place of an alias: it begins where the alias stands, its parts are where they are written."""
    if not isinstance(place, tuple):
        return mark
    return (mark, place[1])  # type: ignore[return-value] # mypy keeps no tie between the halves of a tuple
