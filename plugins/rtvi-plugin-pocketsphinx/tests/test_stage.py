"""The stage `pocketsphinx` in Pipecat pipelines and in manifests."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import run_test
from rtvi_plugin_pocketsphinx.stage import PocketSphinxSTTService

from rtvi_plugins import Bot, StartupError
from rtvi_plugins.binding.bot import discover_plugins

from .speaking import RATE, say

PATIENCE: Any = {"start_timeout": 240} if "start_timeout" in inspect.signature(run_test).parameters else {}
"""How long a pipeline may take to start: decoders are made one after the other."""

PHRASES = ["turn on the lamp", "open the curtains", "how warm is it", "thank you"]


def heard(audio: bytes, rate: int = RATE) -> Iterator[Frame]:
    """Give the frames that a transport and a VAD make of one utterance: blocks of 20 ms between start and stop."""
    size = rate // 50 * 2
    yield VADUserStartedSpeakingFrame()
    for start in range(0, len(audio), size):
        yield InputAudioRawFrame(audio[start : start + size], rate, 1)
    yield VADUserStoppedSpeakingFrame()


def run(frames: Sequence[Frame], rate: int = RATE, **stage: Any) -> tuple[list[str], list[str]]:
    """Give the transcripts and the errors."""

    async def inner() -> tuple[list[str], list[str]]:
        stt = PocketSphinxSTTService(**{"phrases": PHRASES, **stage})
        params = PipelineParams(audio_in_sample_rate=rate)
        down, up = await run_test(
            stt, frames_to_send=[*frames, EndFrame()], send_end_frame=False, pipeline_params=params, **PATIENCE
        )
        said = [frame.text for frame in down if isinstance(frame, TranscriptionFrame)]
        assert all(frame.finalized for frame in down if isinstance(frame, TranscriptionFrame))
        return said, [frame.error for frame in up if isinstance(frame, ErrorFrame)]

    return asyncio.run(inner())


def test_the_plugin_supplies_the_stage() -> None:
    plugin, stage = discover_plugins().stages()["pocketsphinx"]
    assert (plugin.name, stage) == ("pocketsphinx", PocketSphinxSTTService)


def test_utterances_become_transcripts() -> None:
    frames = [frame for text in ("turn on the lamp", "how warm is it") for frame in heard(say(text))]
    assert run(frames) == (["turn on the lamp", "how warm is it"], [])


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_other_sample_rates_are_taken(rate: int) -> None:
    assert run(list(heard(say("open the curtains", rate), rate)), rate) == (["open the curtains"], [])


def test_silence_says_nothing() -> None:
    assert run(list(heard(bytes(2 * RATE)))) == ([], [])


def test_sessions_at_once_hear_their_own() -> None:
    async def session(text: str) -> list[str]:
        stt = PocketSphinxSTTService(phrases=PHRASES)
        frames = [*heard(say(text)), EndFrame()]
        down, _ = await run_test(stt, frames_to_send=frames, send_end_frame=False, **PATIENCE)
        return [frame.text for frame in down if isinstance(frame, TranscriptionFrame)]

    async def sessions() -> list[list[str]]:
        return await asyncio.gather(*(session(text) for text in PHRASES * 2))

    assert asyncio.run(sessions()) == [[text] for text in PHRASES * 2]


def test_faults_of_the_phrases_are_told_by_the_constructor() -> None:
    async def construct() -> None:
        PocketSphinxSTTService(phrases=["the zzxyq", "hi ["])

    with pytest.raises(ValueError, match=r"args.phrases\[1\].*\n.*args.phrases\[0\].*zzxyq"):
        asyncio.run(construct())


MANIFEST = """
manifest: 1
bot: listener
pipeline:
  stt: {use: pocketsphinx%s}
services: {ears: {options: {patience: {bind: vad.stop_secs, default: 0.2, unit: s}}}}
runtime:
  responder: {use: %s}
"""
RULES = 'rules, settings: {rules: [{say: [%s], answer: "Yes."}]}'


def load(path: Path, stage: str, responder: str) -> Bot:
    file = path / "listener.yaml"
    file.write_text(MANIFEST.lstrip() % (stage, responder), encoding="utf-8")
    return Bot.load(file)


FAULTY = [
    pytest.param(
        ", args: {phrases: [hello, the zzxyq]}",
        "echo",
        "4:52: pipeline.stt.args.phrases[1]: no pronunciation of the word 'zzxyq' is known",
        id="unknown-word",
    ),
    pytest.param(
        "",
        RULES % "open the zzxyq",
        "4:8: pipeline.stt: 'open the zzxyq': no pronunciation of the word 'zzxyq' is known",
        id="unknown-word-of-a-rule",
    ),
    pytest.param("", "echo", "4:8: pipeline.stt: nothing to listen for; expected 'phrases'", id="no-phrases"),
    pytest.param(
        ", args: {phrases: hello}", "echo", "4:44: pipeline.stt.args.phrases: expected", id="phrases-of-another-type"
    ),
    pytest.param(
        ", args: {phrases: [hello], words: {hello: Q Q}}",
        "echo",
        "4:60: pipeline.stt.args.words: 'Q Q' is no pronunciation (of the word 'hello')",
        id="no-pronunciation",
    ),
    pytest.param(
        ", args: {phrase: [hello]}",
        "echo",
        "4:35: pipeline.stt.args.phrase: 'pocketsphinx' has no argument 'phrase'; did you mean 'phrases'",
        id="misspelt",
    ),
]


@pytest.mark.parametrize(("stage", "responder", "expected"), FAULTY)
def test_faults_stop_the_start(tmp_path: Path, stage: str, responder: str, expected: str) -> None:
    with pytest.raises(StartupError) as caught:
        load(tmp_path, stage, responder)
    told = [problem.render().partition("listener.yaml:")[2] for problem in caught.value.problems]
    assert any(text.startswith(expected) for text in told), told


def test_rules_that_take_any_words_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load(tmp_path, "", RULES % '"hello", "tell me about {topic}"')
    assert "pocketsphinx does not listen for 'tell me about {topic}'" in caplog.text


def test_importing_the_plugin_loads_neither_pipecat_nor_the_library() -> None:
    code = "import sys, rtvi_plugin_pocketsphinx; sys.exit(bool({'pipecat', 'pocketsphinx'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", code], check=True)
