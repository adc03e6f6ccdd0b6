"""The stage `espeak` in Pipecat pipelines."""

from __future__ import annotations

import asyncio
import inspect
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSUpdateSettingsFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.services.settings import TTSSettings
from pipecat.tests.utils import run_test
from rtvi_plugin_espeak.stage import ESpeakTTSService

from rtvi_plugins.binding.bot import discover_plugins

PATIENCE: Any = {"start_timeout": 240} if "start_timeout" in inspect.signature(run_test).parameters else {}
SENTENCE = "Breakfast is served from seven until half past ten."
Settings = ESpeakTTSService.Settings


def heard(frames: Iterable[Frame]) -> list[tuple[float, bytes]]:
    """Give length in seconds and samples of each thing said, in order."""
    said: list[tuple[float, bytes]] = []
    for frame in frames:
        if isinstance(frame, TTSStartedFrame):
            said.append((0.0, b""))
        elif isinstance(frame, TTSAudioRawFrame):
            length, audio = said[-1]
            said[-1] = (length + len(frame.audio) / 2 / frame.sample_rate, audio + frame.audio)
    return said


def loudest(audio: bytes) -> int:
    return max(map(abs, array("h", audio)))


def errors(frames: Iterable[Frame]) -> list[str]:
    return [frame.error for frame in frames if isinstance(frame, ErrorFrame)]


def run(frames: Sequence[Frame], tts: ESpeakTTSService | None = None, **params: Any) -> tuple[list[Frame], list[Frame]]:
    async def inner() -> tuple[list[Frame], list[Frame]]:
        service = ESpeakTTSService() if tts is None else tts
        down, up = await run_test(service, frames_to_send=frames, pipeline_params=PipelineParams(**params), **PATIENCE)
        return list(down), list(up)

    return asyncio.run(inner())


def answer(*texts: str) -> list[Frame]:
    return [LLMFullResponseStartFrame(), *(LLMTextFrame(text) for text in texts), LLMFullResponseEndFrame()]


def test_the_plugin_supplies_the_stage() -> None:
    plugin, stage = discover_plugins().stages()["espeak"]
    assert (plugin.name, stage) == ("espeak", ESpeakTTSService)


def test_a_sentence_is_spoken_between_its_frames() -> None:
    down, up = run([TTSSpeakFrame(SENTENCE)])
    ((length, audio),) = heard(down)
    assert 2.5 < length < 4
    assert loudest(audio) > 1000
    assert len([frame for frame in down if isinstance(frame, TTSStoppedFrame)]) == 1
    assert errors(up) == []


RATES = [pytest.param(rate, id=str(rate)) for rate in (8000, 16000, 22050, 24000, 48000)]


@pytest.mark.parametrize("rate", RATES)
def test_the_sound_has_the_rate_of_the_pipeline(rate: int) -> None:
    down, _ = run([TTSSpeakFrame(SENTENCE)], audio_out_sample_rate=rate)
    assert {frame.sample_rate for frame in down if isinstance(frame, TTSAudioRawFrame)} == {rate}
    ((length, _),) = heard(down)
    assert 2.5 < length < 4


def test_changes_are_heard_from_the_next_sentence_on() -> None:
    changes = [
        Settings(rate=350),
        Settings(voice="de", rate=175),
        Settings(volume=0),
        Settings(rate=175, voice="en-us", volume=100),
    ]
    frames: list[Frame] = [TTSSpeakFrame(SENTENCE)]
    for change in changes:
        frames += [TTSUpdateSettingsFrame(delta=change), TTSSpeakFrame(SENTENCE)]
    down, up = run(frames)
    usual, fast, german, silent, again = heard(down)
    assert errors(up) == []
    assert 1.7 < usual[0] / fast[0] < 2.3
    assert german[0] - usual[0] > 0.1
    assert silent[0] > 1
    assert loudest(silent[1]) <= 2  # the resampler's rounding
    assert loudest(again[1]) > 1000
    assert again[0] == pytest.approx(usual[0], abs=0.1)


def test_the_sentences_of_an_answer_are_one_piece_of_speech() -> None:
    down, _ = run(answer("Good evening. ", "Breakfast is ", "served at seven."))
    ((length, _),) = heard(down)
    assert 1.5 < length < 4


REFUSED = [
    pytest.param(Settings(voice="en-uk"), ["voice: espeak-ng has no voice 'en-uk'; did you mean 'en-us'?"], id="voice"),
    pytest.param(Settings(rate=10), ["rate: Input should be greater than or equal to 80"], id="too-slow"),
    pytest.param(Settings(rate=451), ["rate: Input should be less than or equal to 450"], id="too-fast"),
    pytest.param(Settings(rate="quick"), ["rate: Input should be a valid integer"], id="text"),  # type: ignore[arg-type]
    pytest.param(Settings(pitch=100, volume=-1), ["pitch: Input", "volume: Input"], id="two"),
    pytest.param(TTSSettings(voice="nobody"), ["voice: espeak-ng has no voice 'nobody'"], id="settings-of-the-base"),
]


@pytest.mark.parametrize(("delta", "expected"), REFUSED)
def test_what_does_not_fit_is_an_error_and_changes_nothing(delta: TTSSettings, expected: list[str]) -> None:
    tts = ESpeakTTSService()
    before = tts.settings.copy()
    down, up = run([TTSUpdateSettingsFrame(delta=delta), TTSSpeakFrame(SENTENCE)], tts)
    found = errors(up)
    assert len(found) == len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True))
    assert tts.settings == before
    assert 2.5 < heard(down)[0][0] < 4


def test_the_fitting_part_of_a_change_is_taken() -> None:
    tts = ESpeakTTSService()
    _, up = run([TTSUpdateSettingsFrame(delta=Settings(rate=300.0, voice="nobody"))], tts)  # type: ignore[arg-type]
    assert len(errors(up)) == 1
    assert (tts.settings.rate, tts.settings.voice) == (300, "en-us")
    assert isinstance(tts.settings.rate, int)


CONSTRUCTED = [
    pytest.param(Settings(rate=300, voice="en-gb+f2"), None, id="fits"),
    pytest.param(Settings(voice="en-uk", pitch=-1), "pitch: .*; voice: .*did you mean 'en-us'", id="does-not"),
]


@pytest.mark.parametrize(("settings", "expected"), CONSTRUCTED)
def test_settings_at_the_start(settings: Settings, expected: str | None) -> None:
    async def construct() -> ESpeakTTSService:
        return ESpeakTTSService(settings=settings)

    if expected is None:
        service = asyncio.run(construct())
        assert (service.settings.rate, service.settings.volume) == (300, 100)
    else:
        with pytest.raises(ValueError, match=expected):
            asyncio.run(construct())


def test_nothing_to_say_is_no_failure() -> None:
    down, up = run([*answer("..."), *answer("!"), *answer("..."), *answer("?!"), *answer("Good evening.")])
    assert errors(up) == []
    assert heard(down)[-1][0] > 0.5
