"""Phrases: the patterns under `say:`, how they are read, matched and listed.

    turn [please] {state} the {device}

A plain word matches itself, `[words]` may be absent, `{name}` takes one or more words. Matching is done with sets of
positions, one pass forward and one back, so its time grows at most with the elements times the
square of the words, whatever pattern and text are; no regular expression ever sees both.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rtvi_plugins.responders.captures import Capture, Captured
from rtvi_plugins.responders.words import Word, keys

MAX_ELEMENTS: Final = 64
MAX_CAPTURES: Final = 8
MAX_CHECKS: Final = 5_000
"""Values read from stretches of one text, over all rules; at some 20 µs each, a tenth of a second at the worst."""

_TOKEN: Final = re.compile(r"(?P<space>\s+)|\{(?P<capture>[^{}]*)\}|(?P<mark>[\[\]{}])|(?P<word>[^\s\[\]{}]+)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Literal:
    """Words that match themselves; `text` is how they were written."""

    text: str
    words: tuple[str, ...]
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """One pattern, read. `required` are the words without which no text matches."""

    elements: tuple[Literal | Capture, ...]
    required: frozenset[str]

    def expand(self) -> Iterator[str]:
        """List what may be said, one text at a time: options with and without, every member of an enum.

        A capture that has no enum stays as `{name}`. The list may be very long: take what is needed.
        """
        choices = [
            element.choices() if isinstance(element, Capture) else _choices(element) for element in self.elements
        ]
        return (" ".join(part for part in parts if part) for parts in itertools.product(*choices))


def _choices(literal: Literal) -> tuple[str, ...]:
    return (literal.text, "") if literal.is_optional else (literal.text,)


class Heard:
    """One text of the user while it is matched; remembers which words fit which capture, for every phrase."""

    def __init__(self, text: str, words: tuple[Word, ...]) -> None:
        self.text = text
        self.words = words
        self.keys = tuple(word.key for word in words)
        self.key_set = frozenset(self.keys)
        self._tried: dict[tuple[int, int, int], Captured | None] = {}
        self._checks_left = MAX_CHECKS

    def capture(self, capture: Capture, start: int, end: int) -> Captured | None:
        """Give what a capture takes from the words `start` to `end`, or None when they do not fit its schema."""
        said = self.text[self.words[start].start : self.words[end - 1].end]
        if capture.is_free:
            return Captured(said, said)
        key = (id(capture), start, end)
        if key not in self._tried:
            if capture.is_costly:
                if not self._checks_left:
                    return None  # remembered nowhere: nothing that was found before is forgotten
                self._checks_left -= 1
            self._tried[key] = capture.take(said, self.keys[start:end])
        return self._tried[key]


def match(phrase: Phrase, heard: Heard) -> dict[str, Captured] | None:
    """Match a whole text; where several ways are open, earlier captures take as few words as they can."""
    if not phrase.required <= heard.key_set:
        return None
    reached = [{0}]
    for element in phrase.elements:
        reached.append(_after(element, heard, reached[-1]))
        if not reached[-1]:
            return None
    length = len(heard.words)
    if length not in reached[-1]:
        return None
    # From the end back: the positions from which the rest of the phrase reaches the end of the text.
    leads = [{length}]
    for element, starts in zip(reversed(phrase.elements), reversed(reached[:-1]), strict=True):
        leads.append(_before(element, heard, starts, leads[-1]))
    leads.reverse()
    taken: dict[str, Captured] = {}
    position = 0
    for index, element in enumerate(phrase.elements):
        end = next(end for end in _ends(element, heard, position) if end in leads[index + 1])
        if isinstance(element, Capture):
            captured = heard.capture(element, position, end)
            if captured is not None:
                taken[element.name] = captured
        position = end
    return taken


def _is_free(element: Literal | Capture) -> bool:
    return isinstance(element, Capture) and element.is_free


def _after(element: Literal | Capture, heard: Heard, starts: Collection[int]) -> set[int]:
    """Give every position where an element may end that begins at one of these."""
    if _is_free(element):  # any later position: no need to look at each pair
        return set(range(min(starts) + 1, len(heard.words) + 1))
    return {end for start in starts for end in _ends(element, heard, start)}


def _before(element: Literal | Capture, heard: Heard, starts: Collection[int], ends: Collection[int]) -> set[int]:
    """Give those of the starts from which an element may end at one of the ends."""
    if _is_free(element):
        last = max(ends)
        return {start for start in starts if start < last}
    return {start for start in starts if any(end in ends for end in _ends(element, heard, start))}


def _ends(element: Literal | Capture, heard: Heard, start: int) -> Iterator[int]:
    """Give where an element that begins at `start` may end; the preferred end first."""
    if isinstance(element, Literal):
        end = start + len(element.words)
        if heard.keys[start:end] == element.words:
            yield end
        if element.is_optional:
            yield start
        return
    for end in range(start + 1, min(start + element.longest, len(heard.words)) + 1):
        if element.is_free or heard.capture(element, start, end) is not None:
            yield end


def read_phrase(pattern: str, captures: Mapping[str, Capture]) -> tuple[Phrase | None, tuple[str, ...]]:
    """Read one pattern; a capture that `captures` does not have takes any words.

    Returns: the phrase, or None and every fault as a text.
    """
    reader = _Reader(captures)
    for token in _TOKEN.finditer(pattern):
        reader.take(token)
    return reader.finish()


class _Reader:
    """Reads one pattern, token by token."""

    def __init__(self, captures: Mapping[str, Capture]) -> None:
        self.captures = captures
        self.elements: list[Literal | Capture] = []
        self.faults: list[str] = []
        self.bracket: list[str] | None = None
        self.last = ""

    def take(self, token: re.Match[str]) -> None:
        kind = token.lastgroup or ""
        text = token[kind]
        glued = {kind, self.last} == {"word", "capture"} or kind == self.last == "capture"
        if kind != "word" or keys(text):
            if glued:
                self.faults.append(f"a capture stands between spaces, not at a word: '{token.string.strip()}'")
            self.last = kind
        if kind == "capture":
            self._take_capture(text)
        elif kind == "mark":
            self._take_mark(text)
        elif kind == "word" and keys(text):
            if self.bracket is not None:
                self.bracket.append(text)
            else:
                self.elements.append(Literal(text, keys(text)))

    def _take_capture(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            self.faults.append(f"'{{{name}}}' is not a capture; expected a name of letters, digits and '_'")
        elif name == "result":
            self.faults.append("'{result}' is what the action answers; name the capture differently")
        elif self.bracket is not None:
            self.faults.append(f"'{{{name}}}' stands in brackets; a capture cannot be left out")
            self.bracket.append(name)
        elif any(isinstance(element, Capture) and element.name == name for element in self.elements):
            self.faults.append(f"'{{{name}}}' is captured twice in one pattern")
        else:
            self.elements.append(self.captures.get(name) or Capture.free(name))

    def _take_mark(self, mark: str) -> None:
        if mark == "[" and self.bracket is None:
            self.bracket = []
        elif mark == "]" and self.bracket is not None:
            if self.bracket:
                text = " ".join(self.bracket)
                self.elements.append(Literal(text, keys(text), is_optional=True))
            else:
                self.faults.append("the brackets '[]' hold no words")
            self.bracket = None
        else:
            self.faults.append(f"'{mark}' has no partner")

    def finish(self) -> tuple[Phrase | None, tuple[str, ...]]:
        if self.bracket is not None:
            self.faults.append("'[' has no partner")
        captures = [element for element in self.elements if isinstance(element, Capture)]
        required = [e for e in self.elements if isinstance(e, Literal) and not e.is_optional]
        if not self.faults and not captures and not required:
            self.faults.append("the pattern has no words")
        if len(self.elements) > MAX_ELEMENTS or len(captures) > MAX_CAPTURES:
            self.faults.append(
                f"the pattern is too long; expected at most {MAX_ELEMENTS} parts, {MAX_CAPTURES} of them captures"
            )
        if self.faults:
            return None, tuple(dict.fromkeys(self.faults))
        return Phrase(tuple(self.elements), frozenset(itertools.chain.from_iterable(e.words for e in required))), ()
