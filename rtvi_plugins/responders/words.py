"""Words: how a user's text and the phrases of a rule are cut up and compared.

Words stand between spaces. Punctuation at their borders does not count; inside it does, and so do the sign and the
point before a digit: `21.5`, `-3`, `.5`. Words are equal when they are so without regard to case and
spelling variants of Unicode.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

MAX_CHARACTERS: Final = 2_000
MAX_WORDS: Final = 200

_CHUNK: Final = re.compile(r"\S+")
_SIGNED: Final = re.compile(r"[-+]?\.?\d")


@dataclass(frozen=True, slots=True)
class Word:
    """One word: `key` is what is compared, `start` and `end` where its text stands, borders left out."""

    key: str
    start: int
    end: int


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def key_of(word: str) -> str:
    """Give the form in which words are compared."""
    return unicodedata.normalize("NFKC", word).casefold().replace("\u2019", "'")


def split(text: str) -> tuple[Word, ...]:
    """Cut a text into words; a chunk of nothing but punctuation is none. Time is linear in the text."""
    words = []
    for chunk in _CHUNK.finditer(text):
        start, end = chunk.span()
        while start < end and _is_punctuation(text[end - 1]):
            end -= 1
        while start < end and _is_punctuation(text[start]) and not _SIGNED.match(text, start, end):
            start += 1
        if start < end:
            words.append(Word(key_of(text[start:end]), start, end))
    return tuple(words)


def keys(text: str) -> tuple[str, ...]:
    """Give the compared forms of a text's words."""
    return tuple(word.key for word in split(text))
