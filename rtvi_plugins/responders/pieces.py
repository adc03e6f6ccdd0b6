"""Cutting an answer into the pieces in which it streams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MOST: Final = 128
"""Pieces of a long answer, which are longer than a word."""
LONG: Final = 1_024
"""Characters of an answer that is long."""

_PIECE: Final = re.compile(r"\s+|\S+\s?")


def pieces(text: str) -> Iterator[str]:
    """Cut a text after each word, a long one into `MOST` pieces at most; joined they are the text."""
    least = len(text) // MOST if len(text) >= LONG else 0
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at + least)
        end = found.end() if found else len(text)
        yield text[at:end]
        at = end
