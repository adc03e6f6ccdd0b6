"""The guide: entries read from `guide.md`, and how titles are found."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_KEYWORDS: Final = "Keywords:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the guide. `keywords`: other words people use for it."""

    title: str
    keywords: tuple[str, ...]
    text: str


def parse(markdown: str) -> tuple[Entry, ...]:
    """Read entries from Markdown: `## Title`, an optional line `Keywords: a, b`, then the text.

    What stands before the first title is for the people who edit the file. Raises nothing.
    """
    return tuple(_entry(section) for section in ("\n" + markdown).split("\n## ")[1:])


def _entry(section: str) -> Entry:
    title, *lines = section.splitlines()
    keywords: tuple[str, ...] = ()
    text = []
    for line in lines:
        if line.startswith(_KEYWORDS):
            keywords = tuple(word.strip() for word in line.removeprefix(_KEYWORDS).split(","))
        else:
            text.append(line)
    return Entry(title.strip(), keywords, " ".join(" ".join(text).split()))


@functools.cache
def shipped_guide() -> tuple[Entry, ...]:
    """Give the entries that come with this plugin, in the order of the file."""
    return parse((files(__package__) / "guide.md").read_text(encoding="utf-8"))


def find_entry(entries: Sequence[Entry], title: str) -> Entry | None:
    """Find the entry of that title; letter case and outer space do not matter."""
    wanted = title.strip().casefold()
    return next((entry for entry in entries if entry.title.casefold() == wanted), None)


def nearest_title(entries: Sequence[Entry], title: str) -> str | None:
    """Give the title most likely meant, by the spelling of titles, their words and keywords; None if none is near."""
    titles: dict[str, str] = {}
    for entry in entries:
        for spelling in (entry.title, *entry.keywords, *entry.title.split()):
            titles.setdefault(spelling.casefold(), entry.title)
    near = difflib.get_close_matches(title.strip().casefold(), titles, n=1, cutoff=0.7)
    return titles[near[0]] if near else None
