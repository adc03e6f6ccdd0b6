"""Phrases → grammar: what is listened for, how it sounds, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from rtvi_plugin_pocketsphinx.dictionary import pronounce
from rtvi_plugin_pocketsphinx.grammar import Compiled, Grammar, Source, compile_grammar, written
from rtvi_plugin_pocketsphinx.numbers import spell

from rtvi_plugins.responders.captures import Capture
from rtvi_plugins.responders.phrases import Phrase, read_phrase

NUMBERS = [
    pytest.param("0", "zero", id="zero"),
    pytest.param("7", "seven", id="digit"),
    pytest.param("13", "thirteen", id="teen"),
    pytest.param("20", "twenty", id="round"),
    pytest.param("21", "twenty one", id="tens"),
    pytest.param("100", "one hundred", id="hundred"),
    pytest.param("342", "three hundred forty two", id="hundreds"),
    pytest.param("1000", "one thousand", id="thousand"),
    pytest.param("70001", "seventy thousand one", id="thousands"),
    pytest.param("-3", "minus three", id="minus"),
    pytest.param("21.50", "twenty one point five zero", id="fraction"),
    pytest.param("1000000", None, id="million"),
    pytest.param("1e3", None, id="exponent"),
    pytest.param("lamp", None, id="word"),
    pytest.param("", None, id="empty"),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers_as_words(text: str, expected: str | None) -> None:
    assert spell(text) == (None if expected is None else tuple(expected.split()))


SOUNDS: list[Any] = [
    pytest.param("lamp", {}, ("L AE M P",), id="in-the-dictionary"),
    pytest.param("tv", {}, ("T IY V IY", "T EH L AH V IH ZH AH N"), id="said-in-two-ways"),
    pytest.param("21", {}, ("T W EH N T IY W AH N",), id="number"),
    pytest.param("pool-side", {}, ("P UW L S AY D",), id="hyphen"),
    pytest.param("zzxyq", {}, None, id="unknown"),
    pytest.param("zzxyq-lamp", {}, None, id="half-unknown"),
    pytest.param("zzxyq", {"zzxyq": "Z IH K"}, ("Z IH K",), id="given"),
    pytest.param("lamp", {"lamp": "L AA M P"}, ("L AA M P",), id="given-instead"),
    pytest.param("zzxyq-lamp", {"zzxyq": "Z IH K"}, ("Z IH K L AE M P",), id="half-given"),
]


@pytest.mark.parametrize(("word", "own", "expected"), SOUNDS)
def test_how_words_sound(word: str, own: dict[str, str], expected: tuple[str, ...] | None) -> None:
    assert pronounce([word], own).get(word) == expected


def phrase(text: str, captures: dict[str, Any] | None = None) -> Phrase:
    read, faults = read_phrase(text, {name: Capture(name, keys) for name, keys in (captures or {}).items()})
    assert read is not None, faults
    return read


def compiled(*phrases: str | Phrase, **more: dict[str, Any]) -> Compiled:
    captures = {name: tuple(texts) for name, texts in more.get("captures", {}).items()}
    return compile_grammar(Source(phrases, tuple(captures.items()), tuple(more.get("words", {}).items())))


def rules(grammar: Grammar) -> list[str]:
    """Give the alternatives of a grammar, its tokens as words again."""
    body = grammar.jsgf.partition("= ")[2].rstrip(";\n")
    return [" ".join(grammar.words.get(part, part) for part in rule.split()) for rule in body.split("\n | ")]


RULES: list[Any] = [
    pytest.param(("turn on the lamp",), {}, ["( turn ) ( on ) ( the ) ( lamp )"], id="words"),
    pytest.param(("Hello, Bot!",), {}, ["( Hello ) ( Bot )"], id="as-written-without-punctuation"),
    pytest.param(("hi [there please]",), {}, ["( hi ) [ there please ]"], id="may-be-left-out"),
    pytest.param(
        (phrase("the {x}", {"x": {"enum": ["lamp", "big fan"]}}),), {}, ["( the ) ( lamp | big fan )"], id="enum"
    ),
    pytest.param(
        (phrase("set {n}", {"n": {"type": "integer", "minimum": 9, "maximum": 11}}),),
        {},
        ["( set ) ( 9 | 10 | 11 )"],
        id="whole-numbers",
    ),
    pytest.param(
        ("about {x}",), {"captures": {"x": ["the pool", "gym"]}}, ["( about ) ( the pool | gym )"], id="listed"
    ),
    pytest.param(("hello", "hello", "Hello"), {}, ["( hello )", "( Hello )"], id="said-twice"),
    pytest.param(
        (phrase("the {x}", {"x": {"const": "lamp"}}), phrase("the {x}", {"x": {"const": "fan"}})),
        {},
        ["( the ) ( lamp )", "( the ) ( fan )"],
        id="same-pattern-other-values",
    ),
]


@pytest.mark.parametrize(("phrases", "more", "expected"), RULES)
def test_the_grammar(phrases: tuple[str | Phrase, ...], more: dict[str, Any], expected: list[str]) -> None:
    result = compiled(*phrases, **more)
    assert result.faults == result.unheard == ()
    assert result.grammar is not None
    assert rules(result.grammar) == expected


def test_what_was_recognised_is_told_in_the_words_of_the_phrase() -> None:
    grammar = compiled("it's 21 degrees", "tv").grammar
    assert grammar is not None
    tokens = {word: token for token, word in grammar.words.items()}
    assert grammar.text(" ".join(tokens[word] for word in ("it's", "21", "degrees"))) == "it's 21 degrees"
    assert grammar.text(f"{tokens['tv']}(2)") == "tv"
    assert grammar.text("") == ""


HOSTILE = ["a; public <b> = c", "<phrase>", "it * /* + // |", "\\ \" ' `", "#JSGF", "$HOME ${x}"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_phrase_reaches_the_grammar(text: str) -> None:
    enum = {"enum": [text, "lamp"]}
    result = compiled(phrase("the {x}", {"x": enum}), words={"lamp": "L AE M P"})
    if result.grammar is not None:
        assert set(result.grammar.jsgf.split("<phrase> = ")[1]) <= set("w0123456789 ()|[];\n")
    else:
        assert all("no pronunciation" in fault for fault in result.faults)


FAULTS: list[Any] = [
    pytest.param((), {}, "there is no phrase to listen for; expected some under 'phrases'", id="nothing"),
    pytest.param(
        ("hello", "the zzxyq"),
        {},
        "args.phrases[1]: no pronunciation of the word 'zzxyq' is known; give it under 'words', as {zzxyq: …}",
        id="unknown-word",
    ),
    pytest.param(
        (phrase("the zzxyq {x}", {"x": {"const": "lamp"}}),),
        {},
        "'the zzxyq {x}': no pronunciation of the word 'zzxyq' is known; give it under 'words', as {zzxyq: …}",
        id="unknown-word-of-the-responder",
    ),
    pytest.param(("hi [there",), {}, "args.phrases[0]: '[' has no partner", id="no-phrase"),
    pytest.param(
        ("about {x}",),
        {},
        "args.phrases[0]: '{x}' takes any words; list those to listen for under 'captures'",
        id="any-words",
    ),
    pytest.param(
        ("about {topic}",),
        {"captures": {"topic": ["lamp"], "topc": ["lamp"]}},
        "args.captures.topc: no phrase has a capture 'topc'; did you mean 'topic'?",
        id="unknown-capture",
    ),
    pytest.param(
        ("about {x}",), {"captures": {"x": ["lamp", "..."]}}, "args.captures.x: expected words", id="no-words"
    ),
    pytest.param(
        ("hello",), {"words": {"helo": "HH"}}, "args.words.helo: no phrase has the word 'helo'; did you mean 'hello'?",
        id="unused-word",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("phrases", "more", "expected"), FAULTS)
def test_faults(phrases: tuple[str | Phrase, ...], more: dict[str, Any], expected: str) -> None:
    result = compiled(*phrases, **more)
    assert result.grammar is None
    assert result.faults == (expected,)


def test_all_faults_are_told_at_once() -> None:
    assert len(compiled("the zzxyq", "a qqzzx", "about {x}", "[", words={"oh": "OW"}).faults) == 5


def test_a_phrase_of_the_responder_that_takes_any_words_is_left_to_typing() -> None:
    result = compiled(phrase("about {x}"), phrase("hello"))
    assert result.unheard == ("'about {x}': '{x}' takes any words; list those to listen for under 'captures'",)
    assert result.grammar is not None
    assert rules(result.grammar) == ["( hello )"]


@pytest.mark.parametrize("text", ["hi [there please] {x} now", "turn {a} the {b}"])
def test_phrases_are_written_as_they_were_read(text: str) -> None:
    assert written(phrase(text)) == text
