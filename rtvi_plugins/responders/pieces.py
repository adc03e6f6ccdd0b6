"""Cutting an answer into the pieces in which it streams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PIECE: Final = re.compile(r"\s+|\S+\s?")


def pieces(text: str) -> Iterator[str]:
    """Cut a text after each word; the pieces joined are the text."""
    return (found.group() for found in _PIECE.finditer(text))
