"""The bounded history."""

from __future__ import annotations

import pytest
from rtvi_plugin_conversation.history import MAX_TEXT, MAX_TURNS, History, Role


def test_turns_come_back_oldest_first() -> None:
    history = History()
    history.add("user", "Hello")
    history.add("bot", "Welcome!")
    assert history.last(10) == [{"role": "user", "text": "Hello"}, {"role": "bot", "text": "Welcome!"}]
    assert history.last(1) == [{"role": "bot", "text": "Welcome!"}]


@pytest.mark.parametrize("role", ["user", "bot"])
@pytest.mark.parametrize("text", ["", " \n\t"], ids=["empty", "blank"])
def test_nothing_said_is_no_turn(role: Role, text: str) -> None:
    history = History()
    history.add(role, text)
    assert history.last(10) == []


def test_only_the_last_turns_are_kept() -> None:
    history = History()
    for number in range(MAX_TURNS + 5):
        history.add("user", str(number))
    kept = history.last(MAX_TURNS + 100)
    assert len(kept) == MAX_TURNS
    assert (kept[0]["text"], kept[-1]["text"]) == ("5", str(MAX_TURNS + 4))


@pytest.mark.parametrize(
    ("length", "ending"),
    [pytest.param(MAX_TEXT, "x", id="at-the-bound"), pytest.param(MAX_TEXT * 3, "…", id="beyond")],
)
def test_long_text_is_cut(length: int, ending: str) -> None:
    history = History()
    history.add("user", "x" * length)
    (turn,) = history.last(1)
    assert len(turn["text"]) == MAX_TEXT
    assert turn["text"].endswith(ending)


def test_clear_says_whether_there_was_something() -> None:
    history = History()
    assert history.clear() is False
    history.add("bot", "Hello")
    assert history.clear() is True
    assert history.last(10) == []
