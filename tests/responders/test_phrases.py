"""The pattern language: reading, matching, listing, and its bounds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from rtvi_plugins.responders.captures import Capture
from rtvi_plugins.responders.phrases import Heard, Phrase, match, read_phrase
from rtvi_plugins.responders.words import MAX_WORDS, split
from tests.pace import times_reference

INTEGER = {"type": "integer"}
DEVICES = {"enum": ["lamp", "living room fan", "Living Room"]}


def read(pattern: str, captures: Mapping[str, Mapping[str, Any]] | None = None) -> Phrase:
    table = {name: Capture(name, keywords) for name, keywords in (captures or {}).items()}
    phrase, faults = read_phrase(pattern, table)
    assert faults == ()
    assert phrase is not None
    return phrase


def take(pattern: str, text: str, captures: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, str] | None:
    found = match(read(pattern, captures), Heard(text, split(text)))
    return None if found is None else {name: taken.said for name, taken in found.items()}


MATCHES: dict[str, tuple[str, str, dict[str, Any], dict[str, str] | None]] = {
    "words": ("good morning", "Good morning!", {}, {}),
    "anchored at the end": ("good morning", "good morning sir", {}, None),
    "anchored at the start": ("good morning", "a good morning", {}, None),
    "whole words": ("lamp", "lamps", {}, None),
    "capture takes original words": ("find {what}", "Find  'Hey,  Jude' !", {}, {"what": "Hey,  Jude"}),
    "capture takes one word at least": ("find {what}", "find", {}, None),
    "earlier captures take few words": ("{a} to {b}", "go to bed to sleep", {}, {"a": "go", "b": "bed to sleep"}),
    "and more where they must": ("{a} to bed", "walk to and go to bed", {}, {"a": "walk to and go"}),
    "optional there": ("lights [please] on", "lights please on", {}, {}),
    "optional absent": ("lights [please] on", "lights on", {}, {}),
    "optional words": ("[would you kindly] wake up", "would you kindly wake up", {}, {}),
    "optional words only whole": ("[would you kindly] wake up", "would you wake up", {}, None),
    "optional before its like": ("[very] very good", "very good", {}, {}),
    "integer": ("set {n}", "set 21", {"n": INTEGER}, {"n": "21"}),
    "not an integer": ("set {n}", "set 21.5", {"n": INTEGER}, None),
    "number": ("set {n} [degrees]", "set -21.5 degrees.", {"n": {"type": "number"}}, {"n": "-21.5"}),
    "out of range": ("set {n}", "set 7", {"n": {"type": "integer", "maximum": 5}}, None),
    "bool": ("lights {on}", "lights off", {"on": {"type": "bool"}}, {"on": "off"}),
    "enum": ("the {d}", "the LAMP", {"d": DEVICES}, {"d": "LAMP"}),
    "enum of words": ("the {d} off", "the living room fan off", {"d": DEVICES}, {"d": "living room fan"}),
    "enum stops in time": ("the {d} fan", "the living room fan", {"d": DEVICES}, {"d": "living room"}),
    "not in the enum": ("the {d}", "the radio", {"d": DEVICES}, None),
    "enum of numbers": ("{n} stars", "3 stars", {"n": {"enum": [3, 5]}}, {"n": "3"}),
    "const": ("{x} now", "Right now", {"x": {"const": "right"}}, {"x": "Right"}),
    "string with a bound": ("{a} {b}", "a bc", {"a": {"type": "string", "minLength": 2}}, None),
    "schema decides where to cut": (
        "order {what} {n} times",
        "order 3 big 4 times",
        {"n": INTEGER},
        {"what": "3 big", "n": "4"},
    ),
    "typographic apostrophe": ("what's up", "what\u2019s up?", {}, {}),
    "punctuation in the pattern": ("hello, {name}!", "hello Ann", {}, {"name": "Ann"}),
}


@pytest.mark.parametrize(("pattern", "text", "captures", "expected"), MATCHES.values(), ids=MATCHES)
def test_match(pattern: str, text: str, captures: dict[str, Any], expected: dict[str, str] | None) -> None:
    assert take(pattern, text, captures) == expected


def test_enum_gives_the_member_for_arguments() -> None:
    text = "the LIVING   room"
    found = match(read("the {d}", {"d": DEVICES}), Heard(text, split(text)))
    assert found is not None
    assert (found["d"].said, found["d"].text) == ("LIVING   room", "Living Room")


FAULTS = {
    "empty": ("", ["the pattern has no words"]),
    "punctuation": ("?!", ["the pattern has no words"]),
    "all optional": ("[please]", ["the pattern has no words"]),
    "twice": ("{a} and {a}", ["'{a}' is captured twice in one pattern"]),
    "no name": ("do {}", ["'{}' is not a capture; expected a name of letters, digits and '_'"]),
    "spaces": ("do {a b}", ["'{a b}' is not a capture; expected a name of letters, digits and '_'"]),
    "result": ("do {result}", ["'{result}' is what the action answers; name the capture differently"]),
    "in brackets": ("do [{a}]", ["'{a}' stands in brackets; a capture cannot be left out"]),
    "glued": ("do {a}s", ["a capture stands between spaces, not at a word: 'do {a}s'"]),
    "side by side": ("{a}{b}", ["a capture stands between spaces, not at a word: '{a}{b}'"]),
    "open bracket": ("do [it", ["'[' has no partner"]),
    "closed bracket": ("do it]", ["']' has no partner"]),
    "nested": ("do [it [now]]", ["'[' has no partner", "']' has no partner"]),
    "empty bracket": ("do []", ["the brackets '[]' hold no words"]),
    "open brace": ("do {it", ["'{' has no partner"]),
    "too long": ("word " * 65, ["the pattern is too long; expected at most 64 parts, 8 of them captures"]),
    "many captures": (
        " ".join(f"{{c{n}}}" for n in range(9)),
        ["the pattern is too long; expected at most 64 parts, 8 of them captures"],
    ),
    "several": ("{a} {a} [", ["'{a}' is captured twice in one pattern", "'[' has no partner"]),
}


@pytest.mark.parametrize(("pattern", "faults"), FAULTS.values(), ids=FAULTS)
def test_faults(pattern: str, faults: list[str]) -> None:
    phrase, found = read_phrase(pattern, {})
    assert phrase is None
    assert list(found) == faults


def test_expand_lists_what_may_be_said() -> None:
    phrase = read("turn [please] the {d} {how}", {"d": {"enum": ["tv", "big lamp"]}})
    assert list(phrase.expand()) == [
        "turn please the tv {how}",
        "turn please the big lamp {how}",
        "turn the tv {how}",
        "turn the big lamp {how}",
    ]


NUMBERS = [
    pytest.param({"type": "integer", "minimum": 1, "maximum": 3}, ["set 1", "set 2", "set 3"], id="between-bounds"),
    pytest.param({"type": "integer", "minimum": -1.5, "maximum": 1.5}, ["set -1", "set 0", "set 1"], id="broken"),
    pytest.param(
        {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 4}, ["set 4", "set 8"], id="other-keywords"
    ),
    pytest.param({"type": "integer", "minimum": 1}, ["set {n}"], id="no-maximum"),
    pytest.param({"type": "integer", "minimum": 0, "maximum": 1000}, ["set {n}"], id="too-many"),
    pytest.param({"type": "integer", "minimum": 0, "maximum": 1e300}, ["set {n}"], id="far-too-many"),
    pytest.param({"type": "number", "minimum": 1, "maximum": 3}, ["set {n}"], id="not-whole"),
]


@pytest.mark.parametrize(("schema", "expected"), NUMBERS)
def test_expand_lists_whole_numbers_between_bounds(schema: dict[str, Any], expected: list[str]) -> None:
    assert list(read("set {n}", {"n": schema}).expand()) == expected


def test_expand_is_lazy() -> None:
    member = {"enum": [f"m{number}" for number in range(100)]}
    names = [f"c{number}" for number in range(8)]
    phrase = read(" ".join(f"{{{name}}}" for name in names), dict.fromkeys(names, member))
    assert list(itertools.islice(phrase.expand(), 2)) == ["m0 " * 7 + "m0", "m0 " * 7 + "m1"]


HARD = {
    "free captures": (" ".join(f"{{c{n}}}" for n in range(8)), {}, "a " * (MAX_WORDS - 1) + "b"),
    "free captures between words": (" a ".join(f"{{c{n}}}" for n in range(8)) + " b", {}, "a " * MAX_WORDS),
    "optional words": ("[a] " * 63 + "b", {}, "a " * 63 + "b"),
    "captures with schemas": (
        " ".join(f"{{c{n}}}" for n in range(8)) + " b",
        {f"c{n}": {"type": "string", "pattern": "^(a ?)+$"} for n in range(8)},
        "a " * MAX_WORDS,
    ),
    "captures of anything": (
        " ".join(f"{{c{n}}}" for n in range(8)) + " b",
        {f"c{n}": {"type": ["array", "string"]} for n in range(8)},
        "[[1, " * (MAX_WORDS - 1) + "b",
    ),
}


@pytest.mark.parametrize(("pattern", "captures", "text"), HARD.values(), ids=HARD)
def test_hard_patterns_stay_quick(pattern: str, captures: dict[str, Any], text: str) -> None:
    phrase = read(pattern, captures)
    work = times_reference(lambda: match(phrase, Heard(text, split(text))))
    assert work < 25, "a matcher that backtracks would need years"
