"""The blocks of a Markdown page, with what comments above them say.

A fenced block has a language. A comment in the line above may say what becomes of it:

`<!-- file: NAME -->`     it is written to this file of the working folder
`<!-- name: NAME -->`     it waits until a later comment asks for it
`<!-- needs: PROGRAM -->` it is left out where that program is missing
`<!-- not run: WHY -->`   it cannot be run, and why

A comment of its own is a step, done where it stands:

`<!-- save: NAME -->`                the block of that name is written to the file of that name
`<!-- play: NAME -->`                the block of that name is run
`<!-- edit: FILE: OLD -> NEW -->`    a text of a file is replaced, as the reader does in an editor
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
LANGUAGES: Final = frozenset({"console", "javascript", "python", "text", "toml", "yaml"})

_ITEM: Final = re.compile(
    r"^<!-- (?P<step>save|play|edit): (?P<about>[^\n]+) -->$"
    r"|(?:^<!-- (?P<word>file|name|needs|not run): (?P<said>[^\n]+) -->\n)?"
    r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One fenced block. `line` is that of its first line of text."""

    page: Path
    line: int
    language: str
    text: str
    file: str = ""
    name: str = ""
    needs: str = ""
    not_run: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Step:
    """A comment that asks for something. `kind`: save, play or edit."""

    kind: str
    about: str


@cache
def items_of(page: Path) -> tuple[Block | Step, ...]:
    """Give the blocks and steps of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return tuple(
        Step(match["step"], match["about"])
        if match["step"]
        else Block(
            page,
            text.count("\n", 0, match.start("text")) + 1,
            match["language"],
            match["text"],
            **({match["word"].replace(" ", "_"): match["said"]} if match["word"] else {}),
        )
        for match in _ITEM.finditer(text)
    )


def blocks_of(page: Path) -> tuple[Block, ...]:
    return tuple(item for item in items_of(page) if isinstance(item, Block))


def parameters(*languages: str) -> list[object]:
    """Give the blocks of some languages that stand for themselves, as parameters of a test."""
    found = [block for page in PAGES for block in blocks_of(page) if block.language in languages]
    return [pytest.param(b, id=b.place) for b in found if not (b.file or b.name or b.not_run)]


def matches(expected: str, actual: str) -> bool:
    """Compare output: `…` stands for any text within a line, and alone in its line for any lines."""
    lines = [r"(?:.*\n)*?" if line.strip() == "…" else _line(line) for line in expected.splitlines()]
    return re.fullmatch("".join(lines), f"{actual.rstrip()}\n" if actual.strip() else "") is not None


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r" *\n"
