"""How words sound: the pronouncing dictionary that comes with pocketsphinx, and what a manifest adds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pocketsphinx  # type: ignore[import-untyped]

from rtvi_plugin_pocketsphinx.numbers import spell


def acoustic_model() -> str:
    """Give the folder of the acoustic model in the wheel: US English, 16 kHz."""
    return str(Path(pocketsphinx.get_model_path()) / "en-us" / "en-us")


def shipped_dictionary() -> Path:
    """Give the file of the pronouncing dictionary in the wheel."""
    return Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"


def parts_of(word: str) -> tuple[str, ...]:
    """Give the words as which a word that no dictionary has may be read: those of a number, those between hyphens."""
    spelled = spell(word)
    if spelled is not None:
        return spelled
    parts = tuple(part for part in word.split("-") if part)
    return parts if len(parts) > 1 else ()


def pronounce(words: Iterable[str], own: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Find how words sound.

    words: in the form in which phrases compare them.
    own:   word → phones (`JH AH K UW Z IY`), before those of the dictionary.
    Returns: word → its pronunciations, likeliest first; a word without any is left out.
    """
    wanted = set(words)
    known = _read({part for word in wanted for part in (word, *parts_of(word))})
    known |= {word: (phones,) for word, phones in own.items()}
    found: dict[str, tuple[str, ...]] = {}
    for word in wanted:
        parts = parts_of(word)
        if word in known:
            found[word] = known[word]
        elif parts and all(part in known for part in parts):
            found[word] = (" ".join(known[part][0] for part in parts),)
    return found


def _read(wanted: set[str]) -> dict[str, tuple[str, ...]]:
    """Read the pronunciations of some words from the dictionary: one pass of some 50 ms, nothing else is kept."""
    found: dict[str, tuple[str, ...]] = {}
    with shipped_dictionary().open(encoding="utf-8") as lines:
        for line in lines:
            entry, _, phones = line.partition(" ")
            word = entry.partition("(")[0]  # `tv(2)` is another way to say `tv`
            if word in wanted:
                found[word] = (*found.get(word, ()), phones.strip())
    return found
