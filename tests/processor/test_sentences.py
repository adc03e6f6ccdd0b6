"""Sentences of an answer that comes in pieces: which, when, and how much of the text is looked at for them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from rtvi_plugins.processor.sentences import MOST_APART, Sentences
from rtvi_plugins.responders.pieces import LONG, MOST, pieces


def told(given: Sequence[str]) -> tuple[list[str], str]:
    sentences = Sentences()
    found = [sentence for piece in given for sentence in sentences.add(piece)]
    return found, sentences.rest()


@pytest.mark.parametrize(
    ("given", "found", "rest"),
    [
        (["One. Two."], ["One."], "Two."),
        (["One.", " Two!", " "], ["One.", "Two!"], ""),
        (["One.", "5 is a number. "], ["One.5 is a number."], ""),
        (['"One.', '"', " Two"], ['"One."'], "Two"),
        (["一。二。"], ["一。", "二。"], ""),
        (["a", "b", "c"], [], "abc"),
        (["Well…", ") Yes"], ["Well…)"], "Yes"),
        ([], [], ""),
    ],
)
def test_sentences(given: list[str], found: list[str], rest: str) -> None:
    assert told(given) == (found, rest)


@pytest.mark.parametrize("text", ["word " * 2_000, "one. " * 500, "." * 3_000, '."' * 1_000, "。" * 900, ". " * 400])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_nothing_is_lost(text: str, size: int) -> None:
    found, rest = told([text[at : at + size] for at in range(0, len(text), size)])
    assert "".join([*found, rest]).replace(" ", "") == text.replace(" ", "")


def characters_touched(text: str) -> int:
    """Count the characters of the strings that `add` works with, for a text in pieces of 100."""
    touched = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal touched
        if event == "return":
            values = getattr(frame, "f_locals", {})
            touched += sum(len(value) for value in values.values() if isinstance(value, str))
        del argument

    sentences = Sentences()
    sys.setprofile(note)
    try:
        for at in range(0, len(text), 100):
            for _ in sentences.add(text[at : at + 100]):
                pass
    finally:
        sys.setprofile(None)
    return touched


@pytest.mark.parametrize("part", ["word ", "one. ", '"', '.""', "。", "x"])
def test_work_grows_with_the_text_and_no_faster(part: str) -> None:
    few, many = (characters_touched(part * (number // len(part))) for number in (20_000, 200_000))
    assert many < 15 * few


def test_many_sentences_of_one_piece_are_told_together_at_last() -> None:
    found, rest = told(["Yes. " * 1_000, "No. " * 1_000])
    assert found[:MOST_APART] == ["Yes."] * MOST_APART
    assert len(found) == MOST_APART + 2
    assert rest == ""


@pytest.mark.parametrize("text", ["a " * 500_000, "x" * 1_000_000, " " * 50_000, "ab cd " * LONG])
def test_a_long_text_comes_in_few_pieces(text: str) -> None:
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert len(cut) <= MOST + 1


def test_a_short_text_comes_word_by_word() -> None:
    assert list(pieces("One two  three")) == ["One ", "two ", " ", "three"]
