"""The decoder: synthesised speech in, phrases out."""

from __future__ import annotations

import threading
import time

import pytest
from rtvi_plugin_pocketsphinx.grammar import Grammar, Source, compile_grammar
from rtvi_plugin_pocketsphinx.recogniser import MAX_SECONDS, Recogniser, RecogniserError, thread

from .speaking import RATE, noise, say

PHRASES = (
    "turn {state} the {device}",
    "open the curtains",
    "close the curtains",
    "how warm is it",
    "what time is breakfast",
    "tell me about the {place}",
    "set the temperature to {celsius} degrees",
    "good morning",
    "thank you",
)
CAPTURES = (
    ("state", ("on", "off")),
    ("device", ("lamp", "television")),
    ("place", ("pool", "restaurant")),
    ("celsius", ("18", "20", "22")),
)
SAID = [
    pytest.param("turn on the lamp", "turn on the lamp", id="lamp-on"),
    pytest.param("turn off the television", "turn off the television", id="television-off"),
    pytest.param("open the curtains", "open the curtains", id="open"),
    pytest.param("close the curtains", "close the curtains", id="close"),
    pytest.param("how warm is it", "how warm is it", id="warm"),
    pytest.param("what time is breakfast", "what time is breakfast", id="breakfast"),
    pytest.param("tell me about the restaurant", "tell me about the restaurant", id="restaurant"),
    pytest.param("set the temperature to twenty degrees", "set the temperature to 20 degrees", id="number"),
    pytest.param("good morning", "good morning", id="morning"),
    pytest.param("thank you", "thank you", id="thanks"),
]


def grammar(*phrases: str, words: dict[str, str] | None = None) -> Grammar:
    captures = () if phrases else CAPTURES
    result = compile_grammar(Source(phrases or PHRASES, captures, tuple((words or {}).items())))
    assert result.grammar is not None, result.faults
    return result.grammar


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser(grammar())


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_phrases_are_recognised(recogniser: Recogniser, said: str, expected: str) -> None:
    assert recogniser.recognise(say(said)) == expected


@pytest.mark.parametrize(("said", "expected"), SAID[:3])
def test_the_first_phrase_of_a_session_too(said: str, expected: str) -> None:
    assert Recogniser(grammar()).recognise(say(said)) == expected


def test_a_word_with_a_pronunciation_of_its_own() -> None:
    own = Recogniser(grammar("call jeeves", "call mister zork", words={"zork": "Z AO R K"}))
    assert own.recognise(say("call mister zork")) == "call mister zork"


NOTHING = [
    pytest.param(b"", id="no-sound"),
    pytest.param(b"\0", id="half-a-sample"),
    pytest.param(bytes(320), id="ten-milliseconds"),
    pytest.param(bytes(2 * RATE), id="silence"),
]


@pytest.mark.parametrize("audio", NOTHING)
def test_silence_is_no_phrase(recogniser: Recogniser, audio: bytes) -> None:
    assert recogniser.recognise(audio) == ""
    assert recogniser.recognise(say("thank you")) == "thank you"  # and spoils nothing that comes after


def test_endless_sound_is_cut() -> None:
    own = Recogniser(grammar())
    started = time.thread_time()
    own.recognise(noise(MAX_SECONDS))
    usual = time.thread_time() - started
    started = time.thread_time()
    own.recognise(noise(20 * MAX_SECONDS))
    assert time.thread_time() - started < 5 * usual


def test_a_stopped_recognition_ends_early_and_leaves_the_decoder_whole(recogniser: Recogniser) -> None:
    stop = threading.Event()
    stop.set()
    assert recogniser.recognise(say("open the curtains"), stop) == ""
    assert recogniser.recognise(say("open the curtains")) == "open the curtains"


def test_other_threads_go_on_meanwhile(recogniser: Recogniser) -> None:
    audio = noise(MAX_SECONDS)
    working = thread.submit(recogniser.recognise, audio)
    gaps, last = [], time.perf_counter()
    while not working.done():
        time.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
    assert len(gaps) > 10
    assert max(gaps) < 0.8 * sum(gaps)  # a decoder that lets nobody else run makes one gap of it all


def test_phones_that_do_not_exist_are_refused() -> None:
    with pytest.raises(RecogniserError, match=r"'Q Q' is no pronunciation \(of the word 'zork'\)"):
        Recogniser(grammar("call zork", words={"zork": "Q Q"}))
