"""espeak-ng itself: voices and their names, what changes the sound, and that calls never mix."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Sequence

import pytest
from rtvi_plugin_espeak.library import ESpeakError, Manner, library, thread
from rtvi_plugin_espeak.speaking import MAX_PIECE, pieces, speak

SENTENCE = "Breakfast is served from seven until half past ten."


def manner(voice: str = "en-us", rate: int = 175, pitch: int = 50, volume: int = 100) -> Manner:
    return Manner(library().voices.find(voice), rate, pitch, volume)


def say(text: str, how: Manner) -> bytes:
    return thread.submit(library().speak, text, how).result()


def seconds(audio: bytes) -> float:
    return len(audio) / 2 / library().sample_rate


def loudness(audio: bytes) -> float:
    samples = array("h", audio)
    return float((sum(sample * sample for sample in samples) / len(samples)) ** 0.5)


FOUND = [
    pytest.param("en-us", "gmw/en-US", id="language"),
    pytest.param("EN-GB", "gmw/en", id="letter-case"),
    pytest.param("English (America)", "gmw/en-US", id="full-name"),
    pytest.param("gmw/en-US", "gmw/en-US", id="file"),
    pytest.param("de", "gmw/de", id="german"),
    pytest.param("en-us+f2", "gmw/en-US+f2", id="variant"),
    pytest.param("en-us+F2", "gmw/en-US+f2", id="variant-in-capitals"),
]


@pytest.mark.parametrize(("name", "expected"), FOUND)
def test_voices_are_found_by_what_people_call_them(name: str, expected: str) -> None:
    assert library().voices.find(name) == expected


UNKNOWN = [
    pytest.param("en-uk", "no voice 'en-uk'; did you mean 'en-us'", id="near"),
    pytest.param("", "no voice ''", id="empty"),
    pytest.param("en-us+", "no variant of a voice ''", id="empty-variant"),
    pytest.param("en-us+f99", "no variant of a voice 'f99'", id="unknown-variant"),
    pytest.param("../../etc/passwd", "no voice '../../etc/passwd'", id="path"),
    pytest.param("en-us+../../../phontab", "no variant", id="path-as-variant"),
    pytest.param("x" * 10_000, "no voice 'xxx", id="long"),
]


@pytest.mark.parametrize(("name", "expected"), UNKNOWN)
def test_unknown_voices_are_refused(name: str, expected: str) -> None:
    with pytest.raises(ValueError, match="espeak-ng has no") as caught:
        library().voices.find(name)
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 250


def test_every_voice_that_is_listed_can_speak() -> None:
    voices = library().voices
    assert len(voices.listed) > 100
    short = {name for name in voices.listed if seconds(say("one two", Manner(voices.find(name)))) < 0.1}
    assert short == set()


def test_the_rate_says_how_long_it_takes() -> None:
    slow, usual, fast = (seconds(say(SENTENCE, manner(rate=rate))) for rate in (80, 175, 350))
    assert 4 < slow < 8
    assert 2.2 < usual < 4
    assert 1.8 < slow / usual < 2.4
    assert 1.7 < usual / fast < 2.3


def crossings(audio: bytes) -> float:
    """How often a second the sound passes through zero; higher voices do it more often."""
    samples = array("h", audio)
    passed = sum((one < 0) != (other < 0) for one, other in itertools.pairwise(samples))
    return passed / seconds(audio)


def test_pitch_voice_and_volume_are_heard() -> None:
    usual = say(SENTENCE, manner())
    assert loudness(say(SENTENCE, manner(volume=20))) < loudness(usual) / 2 < loudness(usual)
    assert loudness(say(SENTENCE, manner(volume=0))) == 0
    assert abs(seconds(say(SENTENCE, manner("de"))) - seconds(usual)) > 0.1
    assert crossings(say("ah " * 10, manner(pitch=90))) != pytest.approx(
        crossings(say("ah " * 10, manner(pitch=10))), rel=0.1
    )


TEXTS = [
    pytest.param("", id="empty"),
    pytest.param("...", id="punctuation"),
    pytest.param("one\0two", id="nul"),
    pytest.param("caf\u00e9 \U0001f600 \u4f60\u597d", id="unicode"),
    pytest.param("lone \ud800 surrogate", id="surrogate"),
    pytest.param("<speak><break time='60s'/></speak>", id="markup"),
    pytest.param("[[" * 500, id="brackets"),
    pytest.param("%s%n%p", id="format"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_is_taken(text: str) -> None:
    how = manner()
    assert seconds(say(text, how)) < 120
    assert 2.2 < seconds(say(SENTENCE, how)) < 4  # and nothing is left of it


def test_a_text_after_nul_is_spoken() -> None:
    assert seconds(say("one\0two three four", manner())) > 1.5 * seconds(say("one", manner()))


PIECES = [
    pytest.param("", [], id="empty"),
    pytest.param(" \n ", [], id="spaces"),
    pytest.param("One  two.", ["One  two."], id="short"),
    pytest.param("word " * 100, ["word " * 79 + "word", "word " * 19 + "word"], id="at-spaces"),
    pytest.param("x" * 1000, ["x" * 400, "x" * 400, "x" * 200], id="one-long-word"),
    pytest.param("one " + "x" * 500, ["one", "x" * 400, "x" * 100], id="long-word-after-short"),
]


@pytest.mark.parametrize(("text", "expected"), PIECES)
def test_pieces(text: str, expected: Sequence[str]) -> None:
    assert list(pieces(text)) == expected
    assert all(len(piece) <= MAX_PIECE for piece in expected)


async def collect(text: str, how: Manner) -> bytes:
    return b"".join([audio async for audio in speak(library(), text, how)])


def test_speaking_at_once_mixes_nothing() -> None:
    hows = [
        manner(voice, rate, volume=volume)
        for voice in ("en-us", "de", "en-gb+f3")
        for rate in (90, 175, 400)
        for volume in (0, 100)
    ]

    async def run() -> tuple[list[bytes], list[bytes]]:
        alone = [await collect(SENTENCE, how) for how in hows]
        together = await asyncio.gather(*(collect(SENTENCE, how) for how in hows for _ in range(5)))
        return alone, together

    alone, together = asyncio.run(run())
    for number, audio in enumerate(together):
        expected = alone[number // 5]
        # Two times the same text differ a little: the synthesiser goes on where its last period ended.
        assert seconds(audio) == pytest.approx(seconds(expected), abs=0.06)
        assert loudness(audio) == pytest.approx(loudness(expected), rel=0.05, abs=1)


def test_the_loop_goes_on_while_much_is_spoken() -> None:
    async def length(text: str) -> float:
        return sum([seconds(audio) async for audio in speak(library(), text, manner())])

    async def run() -> tuple[float, float]:
        speaking = asyncio.gather(*(length(SENTENCE * 200) for _ in range(5)))
        started = last = time.perf_counter()
        waited = 0.0
        while not speaking.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            waited += now - last if now - last > 0.05 else 0
            last = now
        assert min(speaking.result()) > 300
        return waited, last - started

    waited, whole = asyncio.run(run())
    assert waited < 0.6 * whole  # all of it, if the library kept the interpreter; other processes take some too


def test_a_stopped_speech_ends_early() -> None:
    stop = threading.Event()
    stop.set()
    assert seconds(library().speak(SENTENCE * 7, manner(), stop)) < 1 < seconds(library().speak(SENTENCE, manner()))


def test_cancelling_leaves_nothing_behind() -> None:
    async def run() -> None:
        for _ in range(20):
            task = asyncio.ensure_future(collect(SENTENCE * 500, manner()))
            await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        # It does not wait for an hour of speech nobody wants.
        assert seconds(await asyncio.wait_for(collect(SENTENCE, manner()), 120)) > 2

    asyncio.run(run())


def test_the_library_refuses_a_voice_that_was_not_looked_up() -> None:
    with pytest.raises(ESpeakError, match="the voice 'no/such'"):
        thread.submit(library().speak, "one", Manner("no/such")).result()


def test_importing_the_plugin_loads_neither_pipecat_nor_the_library() -> None:
    code = (
        "import sys, rtvi_plugin_espeak; sys.exit(bool({'pipecat', 'espeakng_loader', 'ctypes'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


MISSING = """
import sys
sys.modules["espeakng_loader"] = None  # as if it were not installed
from rtvi_plugin_espeak.library import ESpeakError, library
try:
    library()
except ESpeakError as error:
    print(error)
"""


def test_without_the_extra_it_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "espeak-ng is not installed: pip install 'rtvi-plugin-espeak[espeak]'"
