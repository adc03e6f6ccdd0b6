"""Is this Python value JSON, and how big is it? Without recursion, so that no nesting can break it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rtvi_plugins.schema.bounds import MAX_DEPTH

MAX_STEP: Final = 200
"""Characters of a name in a pointer; a longer one is cut, so that no answer grows with what a client made up."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing in a value that JSON cannot hold, and its place."""

    path: tuple[str | int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen of a value: counts of nodes and of characters, its depth, and what is not JSON, if anything."""

    nodes: int
    characters: int
    depth: int
    broken: Broken | None


def survey(value: object, *, max_depth: int = MAX_DEPTH) -> Survey:
    """Walk a value depth first and stop at the first thing that is not JSON; tuples and mappings count as JSON."""
    nodes = characters = deepest = 0
    # Each entry: the value, its depth, and its way back to the root as (parent's way, key).
    stack: list[tuple[Any, int, Any]] = [(value, 0, None)]
    while stack:
        here, depth, way = stack.pop()
        nodes += 1
        deepest = max(deepest, depth)
        text = ""
        if isinstance(here, str):
            characters += len(here)
            text = "" if encodes(here) else "text that UTF-8 cannot hold"
        elif isinstance(here, Mapping | list | tuple):
            if depth >= max_depth:
                text = f"nested more than {max_depth} levels deep"
            elif isinstance(here, Mapping):
                text = "" if all(isinstance(key, str) and encodes(key) for key in here) else "a name that is not text"
                characters += 0 if text else sum(map(len, here))
                stack.extend((item, depth + 1, (way, key)) for key, item in here.items())
            else:
                stack.extend((item, depth + 1, (way, index)) for index, item in enumerate(here))
        else:
            text = not_json(here)
        if text:
            return Survey(nodes, characters, deepest, Broken(_path(way), text))
    return Survey(nodes, characters, deepest, None)


def not_json(value: object) -> str:
    """Say why a value that is neither text nor a container is not JSON; empty when it is."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "not a finite number"
    return "" if value is None or isinstance(value, int) else "not a JSON value"


def pointer(path: tuple[str | int, ...]) -> str:
    """Write a path as a JSON pointer (RFC 6901); the empty path is the empty string, and long names are cut."""
    return "".join(f"/{cut(str(step)).replace('~', '~0').replace('/', '~1')}" for step in path)


def cut(text: str) -> str:
    """Return a name as it may stand in an answer or in the log."""
    return text if len(text) <= MAX_STEP else f"{text[:MAX_STEP]}…"


def _path(way: Any) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    while way is not None:
        way, key = way
        steps.append(key)
    return tuple(reversed(steps))


def encodes(text: str) -> bool:
    """Tell whether UTF-8 can hold a text: half of a surrogate pair alone it cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
