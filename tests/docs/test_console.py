"""What the pages say to type is typed, in order, against real servers; what they say is printed is compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .blocks import PAGES, ROOT, Block, Step, items_of, matches
from .console import Console, commands_of

WITH_COMMANDS = [
    pytest.param(page, id=str(page.relative_to(ROOT)))
    for page in PAGES
    if any(isinstance(item, Block) and item.language == "console" for item in items_of(page))
]


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_page_is_true(page: Path, tmp_path: Path) -> None:
    named: dict[str, Block] = {}
    wrong: list[str] = []
    with Console(tmp_path, pip="$ pip " in page.read_text(encoding="utf-8")) as console:
        for item in items_of(page):
            match item:
                case Step(kind="save"):
                    console.write(item.about, named.pop(item.about).text)
                case Step(kind="play"):
                    wrong += console.play(named.pop(item.about))
                case Step():
                    console.edit(item.about)
                case Block() if item.name:
                    named[item.name] = item
                case Block() if item.file:
                    console.write(item.file, item.text)
                case Block(language="console") if not item.not_run:
                    if not item.needs or shutil.which(item.needs):
                        wrong += console.play(item)
    assert not wrong, "\n".join(wrong)
    assert not named, "named, but never used"


@pytest.mark.parametrize(
    ("expected", "actual", "is_match"),
    [
        pytest.param("", "", True, id="nothing"),
        pytest.param("", "x\n", False, id="something-for-nothing"),
        pytest.param("a\n", "a\n", True, id="same"),
        pytest.param("a\n", "a\nb\n", False, id="more"),
        pytest.param("a … c\n", "a b c\n", True, id="within-a-line"),
        pytest.param("a … c\n", "a\nc\n", False, id="not-beyond-the-line"),
        pytest.param("…\nc\n", "a\nb\nc\n", True, id="lines"),
        pytest.param("…\nc\n", "c\n", True, id="no-lines"),
        pytest.param("…\nc\n", "a\nb\n", False, id="lines-then-another"),
        pytest.param("(1)\n", "(1)\n", True, id="no-pattern"),
    ],
)
def test_output_is_compared(expected: str, actual: str, is_match: bool) -> None:
    assert matches(expected, actual) is is_match


def test_blocks_are_split_into_commands() -> None:
    text = "$ one\n$ two \\\n>   more\nout\n> not a command\n"
    assert commands_of(text) == [("one\n", ""), ("two \\\n  more\n", "out\n> not a command\n")]
