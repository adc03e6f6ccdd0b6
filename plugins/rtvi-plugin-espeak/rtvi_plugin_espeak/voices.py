"""The voices of espeak-ng and the names they go by: `en-us`, `English (America)`, `gmw/en-US`, `en-us+f2`."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtvi_plugins.errors import did_you_mean


class _Voice(ctypes.Structure):
    """`espeak_VOICE` of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Voices:
    """The voices there are.

    by_name:  folded name → what the library calls the voice.
    variants: folded name → name of a variant: what may stand after `+`.
    listed:   the languages, as people name voices; for messages and documentation.
    """

    by_name: Mapping[str, str]
    variants: Mapping[str, str]
    listed: tuple[str, ...]

    def find(self, name: str) -> str:
        """Give what the library calls the voice of this name, in any letter case; ValueError when there is none."""
        base, plus, variant = name.partition("+")
        found = self.by_name.get(base.strip().casefold())
        if found is None:
            raise ValueError(_unknown("voice", base, self.listed))
        if not plus:
            return found
        shape = self.variants.get(variant.strip().casefold())
        if shape is None:
            raise ValueError(_unknown("variant of a voice", variant, self.variants.values()))
        return f"{found}+{shape}"


def _unknown(what: str, name: str, legal: Any) -> str:
    hint = did_you_mean(name[:100], legal)
    return f"espeak-ng has no {what} '{name[:100]}'{'; ' if hint else ''}{hint}"


def read_voices(c: Any, data: Path) -> Voices:
    """Read the voices from the initialised library and the variants from its data.

    data: the folder `espeak-ng-data`.
    """
    c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    c.espeak_ListVoices.argtypes = [ctypes.c_void_p]
    table = c.espeak_ListVoices(None)  # ends with a null pointer
    languages: list[tuple[int, str, str]] = []
    names: dict[str, str] = {}
    index = 0
    while table[index]:
        voice = table[index].contents
        index += 1
        identifier = voice.identifier.decode()
        if not _has_dictionary(data, identifier):
            continue
        languages += [(priority, code, identifier) for priority, code in _languages(voice.languages)]
        for name in (voice.name.decode(), identifier, identifier.rpartition("/")[2]):
            names.setdefault(name.casefold(), identifier)
    # A language that several voices speak means the one that gives it the best, that is lowest, priority.
    spoken: dict[str, str] = {}
    for _, code, identifier in sorted(languages):
        spoken.setdefault(code.casefold(), identifier)
    variants = {file.name.casefold(): file.name for file in sorted((data / "voices" / "!v").iterdir())}
    return Voices({**names, **spoken}, variants, tuple(sorted(spoken)))


def _has_dictionary(data: Path, identifier: str) -> bool:
    """Tell whether the voice can say words: the library lists some whose dictionary the distribution lacks."""
    lines = (data / "lang" / identifier).read_text(encoding="utf-8").splitlines()
    said = {parts[0]: parts[1] for line in reversed(lines) if len(parts := line.split()) > 1}
    name = said.get("dictionary") or said.get("language", "").partition("-")[0]
    return (data / f"{name}_dict").is_file()


def _languages(address: int | None) -> list[tuple[int, str]]:
    """Read `languages`: a byte of priority and a text, again and again, until a priority of 0."""
    found: list[tuple[int, str]] = []
    while address and (priority := ctypes.string_at(address, 1)[0]):
        code = ctypes.string_at(address + 1)
        found.append((priority, code.decode()))
        address += len(code) + 2
    return found
