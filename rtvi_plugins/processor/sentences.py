"""Cutting an answer that comes in pieces into sentences, in time that grows with its length and no faster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MOST_APART: Final = 256
"""Sentences of one answer that are told one by one; of what comes then, those in one piece are told together."""

_MARKS: Final = ".!?…"
_CLOSING: Final = "\"'”’)]"  # noqa: RUF001 - typographic marks are meant
_END: Final = re.compile(r"([.!?…][\"'”’)\]]*(?=\s)|[。！？][」』”’）]*)\s*")  # noqa: RUF001 - here too
_LAST: Final = re.compile(rf"(?s:.*)(?:{_END.pattern})")
_MOST_CLOSING: Final = 64
"""Closing marks in a row after which a sentence is not taken to end with them."""


class Sentences:
    """The text of one answer that is not a whole sentence yet."""

    __slots__ = ("_apart", "_begun", "_open")

    def __init__(self) -> None:
        self._begun: list[str] = []  # in which no sentence ends
        self._open = ""  # after it, in which one may end, depending on what comes next
        self._apart = 0

    def add(self, piece: str) -> Iterator[str]:
        """Add a piece of the answer; yield the sentences that are complete with it."""
        text = self._open + piece
        start = 0
        while self._apart < MOST_APART and (end := _END.search(text, start)):
            self._apart += 1
            yield self._take(text[start : end.end(1)])
            start = end.end()
        if self._apart >= MOST_APART and (last := _LAST.match(text, start)):
            yield self._take(text[start : last.end(1)])
            start = last.end()
        self._keep(text[start:])

    def rest(self) -> str:
        """Take what is left, without the space around it."""
        return self._take(self._open).strip()

    def clear(self) -> None:
        """Forget what is left."""
        self._take("")

    def _take(self, end: str) -> str:
        whole = "".join([*self._begun, end])
        self._begun.clear()
        self._open = ""
        return whole

    def _keep(self, text: str) -> None:
        bare = text.rstrip(_CLOSING)
        is_open = bare[-1:] in _MARKS and len(text) - len(bare) <= _MOST_CLOSING
        at = len(bare) - 1 if bare and is_open else len(text)
        self._open = text[at:]
        if at:
            self._begun.append(text[:at])
