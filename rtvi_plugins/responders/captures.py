"""Captures: what `{name}` in a phrase takes, and which words fit its schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rtvi_plugins import schema
from rtvi_plugins.responders.words import MAX_WORDS, keys
from rtvi_plugins.schema.keywords import target_of

MAX_SCHEMA_WORDS: Final = 32
"""The most words a capture with a schema takes; each stretch of words is a check of its own."""

MAX_NUMBERS: Final = 1_000
"""The widest bounds between which `choices` lists whole numbers."""

_ONE_WORD: Final = frozenset({"number", "integer", "boolean", "null"})
_NOTES: Final = frozenset({"description", "title", "default", "examples"})
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Captured:
    """What a capture took.

    said: the user's own words.
    text: what stands for them in an action's arguments: the member of an enum as the manifest spells it, or `said`.
    """

    said: str
    text: str


class Capture:
    """One capture of a rule. `longest` is the most words it takes; `is_free` means that any words fit."""

    def __init__(self, name: str, keywords: Mapping[str, Any], shared: Mapping[str, Any] = _NOTHING) -> None:
        """Compile the schema; raises `ValueError` for one in which `schema.check_document` finds a fault."""
        self.name = name
        self.is_free = {key: held for key, held in keywords.items() if key not in _NOTES} == {"type": "string"}
        self.longest = MAX_WORDS
        self._value = schema.compile_value(keywords, shared)
        self._members: dict[tuple[str, ...], str] = {}
        document = target_of(self._value.document)
        self._is_listed = False
        if self.is_free or isinstance(document, bool):
            return
        self.longest = MAX_SCHEMA_WORDS
        listed = [document["const"]] if "const" in document else document.get("enum", ())
        for member in listed:
            # By words, as everything is compared here: "LIVING  room" is the member "living room".
            if isinstance(member, str) and self._value.is_valid(member) and keys(member):
                self._members.setdefault(keys(member), member)
        # Then words that are no member need no second look.
        self._is_listed = bool(listed) and len(self._members) == len(listed)
        types = document.get("type", ())
        if listed:
            self.longest = max([1, *map(len, self._members)])
        elif types and ({types} if isinstance(types, str) else set(types)) <= _ONE_WORD:
            self.longest = 1

    @classmethod
    def free(cls, name: str) -> Capture:
        """Make a capture that takes any words."""
        return cls(name, {"type": "string"})

    @property
    def is_costly(self) -> bool:
        """Whether `take` reads a value from text and checks it, rather than looking words up."""
        return not (self.is_free or self._is_listed)

    def choices(self) -> tuple[str, ...]:
        """List the words that may stand here: the members of its enum, whole numbers between bounds, or `{name}`."""
        return tuple(self._members.values()) or self._numbers() or (f"{{{self.name}}}",)

    def _numbers(self) -> tuple[str, ...]:
        """List the numbers of `{type: integer, minimum: …, maximum: …}`; nothing when they are not few."""
        document = target_of(self._value.document)
        if isinstance(document, bool) or document.get("type") != "integer":
            return ()
        low, high = document.get("minimum", -math.inf), document.get("maximum", math.inf)
        if not high - low < MAX_NUMBERS:
            return ()
        return tuple(
            str(number) for number in range(math.ceil(low), math.floor(high) + 1) if self._value.is_valid(number)
        )

    def take(self, said: str, words: tuple[str, ...]) -> Captured | None:
        """Take a stretch of the user's words, or None when they are no value of the schema."""
        if self._is_listed or words in self._members:
            member = self._members.get(words)
            return None if member is None else Captured(said, member)
        try:
            fits = self._value.is_valid(schema.parse_text(self._value.document, said))
        except ValueError:
            return None
        return Captured(said, said) if fits else None
