"""Reading the guide and finding titles in it."""

from __future__ import annotations

import pytest
from rtvi_plugin_knowledge.guide import Entry, find_entry, nearest_title, parse, shipped_guide

PARSED = [
    pytest.param("", (), id="empty"),
    pytest.param("# Guide\nfor editors\n", (), id="heading-only"),
    pytest.param("## One", (Entry("One", (), ""),), id="title-only"),
    pytest.param(
        "# Guide\n\n## One\nKeywords: a, b c\n\nFirst\nline.\n\n## Two\nSecond ## line.\n",
        (Entry("One", ("a", "b c"), "First line."), Entry("Two", (), "Second ## line.")),
        id="two-entries",
    ),
]


@pytest.mark.parametrize(("markdown", "expected"), PARSED)
def test_parse(markdown: str, expected: tuple[Entry, ...]) -> None:
    assert parse(markdown) == expected


def test_the_shipped_guide_is_complete() -> None:
    guide = shipped_guide()
    assert len(guide) > 12
    assert len({entry.title.casefold() for entry in guide}) == len(guide)
    assert [entry.title for entry in guide if not (entry.text.endswith(".") and all(entry.keywords))] == []


@pytest.mark.parametrize("title", ["Spa and sauna", "SPA AND SAUNA", "  spa and sauna\n"])
def test_titles_are_found_in_any_letter_case(title: str) -> None:
    found = find_entry(shipped_guide(), title)
    assert found is not None
    assert found.title == "Spa and sauna"


NEAREST = [
    pytest.param("brekfast", "Breakfast", id="misspelt"),
    pytest.param("spa", "Spa and sauna", id="a-word-of-the-title"),
    pytest.param("wellness", "Spa and sauna", id="keyword"),
    pytest.param("wi fi", "Wi-Fi", id="hyphen"),
    pytest.param("helicopter pad", None, id="nothing-near"),
]


@pytest.mark.parametrize(("title", "expected"), NEAREST)
def test_nearest_title(title: str, expected: str | None) -> None:
    assert find_entry(shipped_guide(), title) is None
    assert nearest_title(shipped_guide(), title) == expected
