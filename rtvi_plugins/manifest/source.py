"""YAML as the manifest language has it: JSON values, each with its place in the file.

What differs from YAML 1.1 as PyYAML reads it: plain scalars are JSON's or else text (`yes`, `12:30`, `010`, `~` stay as
they are written), and tags, merge keys, duplicate keys and second documents are problems.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from yaml.error import Mark

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.manifest.paths import KeyPath
from rtvi_plugins.manifest.places import Place, location_of, mark_of, step
from rtvi_plugins.manifest.tree import Tree

MAX_BYTES: Final = 4 * 1024 * 1024
"""One file. A bot of 200 services with 10 options and 10 actions each takes 0.6 MiB."""

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Filled:
    """What references to the environment left at one place.

    written: the text as it stands in the file.
    text:    what it became.
    names:   the variables whose values are in it, in order; empty where defaults alone are.
    values:  those values.
    is_whole: whether the text was one reference and nothing else.
    """

    written: str
    text: str = field(repr=False)
    names: tuple[str, ...]
    values: tuple[str, ...] = field(repr=False)
    is_whole: bool


NOTHING_FILLED: Final[Mapping[KeyPath, Filled]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Source:
    """One document and the places of all its parts; after `use:` the parts may come from several files.

    value:  plain JSON-like Python value. Aliased parts are one object: copy before changing.
    size:   number of values, aliases written out.
    faulty: paths whose value could not be read and stands here as None; each has its problem already.
    filled: path → what came from the environment.
    """

    path: str
    value: Any
    place: Place = field(repr=False)
    size: int
    faulty: frozenset[KeyPath] = frozenset()
    filled: Mapping[KeyPath, Filled] = field(default_factory=lambda: NOTHING_FILLED, repr=False)

    def locate(self, path: Sequence[str | int], *, key: bool = False) -> Location:
        """Give the place of a value, or of the last key of `path`; the deepest place that exists when it is absent."""
        place = self.place
        mark = mark_of(place)
        key_mark: Mark | None = None
        for part in path:
            entry = step(place, part)
            if entry is None:
                key_mark = None
                break
            key_mark, place = entry
            mark = mark_of(place)
        if key and key_mark is not None:
            mark = key_mark
        return location_of(mark)


def read_source(path: str, given: str | bytes) -> tuple[Source | None, tuple[Problem, ...]]:
    """Read one document.

    path:    what locations call the file.
    Returns: the source, or None when the text cannot be read to its end, and everything found wrong. Raises nothing.
    """
    text, problem = _decode(path, given)
    if text is None:
        return None, () if problem is None else (problem,)
    tree = Tree(path, text)
    complete = tree.read()
    source = Source(path, tree.value, tree.place, tree.size, frozenset(tree.faulty)) if complete else None
    return source, tuple(tree.problems)


def _decode(path: str, given: str | bytes) -> tuple[str | None, Problem | None]:
    """Turn bytes into text that YAML allows, or say why not."""
    if len(given) > MAX_BYTES:
        expected = f"at most {MAX_BYTES // 1024 // 1024} MiB"
        return None, Problem("too-large", "the file is too large", Location(path), expected=expected)
    text = given if isinstance(given, str) else ""
    if isinstance(given, bytes):
        try:
            text = given.decode("utf-8")
        except UnicodeDecodeError as error:
            before = given[: error.start].decode("utf-8")
            wrong = f"byte 0x{given[error.start]:02x} is not UTF-8"
            return None, Problem("bad-yaml", wrong, _end_of(path, before), expected="UTF-8 text")
    text = text.removeprefix("\ufeff")
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        wrong = f"the character U+{ord(forbidden[0]):04X} may not stand in YAML"
        return None, Problem("bad-yaml", wrong, _end_of(path, text[: forbidden.start()]))
    return text, None


def _end_of(path: str, text: str) -> Location:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Location(path, len(lines), len(lines[-1]) + 1)
