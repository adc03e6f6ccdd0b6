"""Plans become pipelines: every stage with what the manifest gives it, anew for each session, or nothing at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import aiohttp
import pytest
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.turns.user_mute import FirstSpeechUserMuteStrategy
from pipecat.turns.user_start import MinWordsUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pydantic import BaseModel

from rtvi_plugins import Bot, hookimpl
from rtvi_plugins.pipecat.building import BuildError
from tests.pipecat.building import Folder, build_one, running

HEAD = "services: {a: {}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


class Passing(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Shape(BaseModel):
    size: int
    colour: str = "red"


@dataclass
class Tone:
    pitch: float


class Witness(Passing):
    """Keeps all that it was made of; `cleaned` counts how often it was cleaned up."""

    made: ClassVar[list[Any]]

    def __init__(
        self,
        bot: Bot,
        processor: Any,
        aiohttp_session: aiohttp.ClientSession,
        words: list[str] | None = None,
        tone: Tone | None = None,
        inner: FrameProcessor | None = None,
        params: Shape | None = None,
    ) -> None:
        super().__init__()
        self.given = (bot, processor, aiohttp_session)
        self.words, self.tone, self.inner, self.shape = words, tone, inner, params
        self.cleaned = 0
        self.made.append(self)

    async def cleanup(self) -> None:
        await super().cleanup()
        self.cleaned += 1


class Failing(Passing):
    def __init__(self, key: str) -> None:
        super().__init__()
        raise ValueError(f"the key {key} is no key")


def leaving() -> Passing:
    raise SystemExit(3)


def cancelling() -> Passing:
    raise asyncio.CancelledError


def exiting() -> Any:
    raise SystemExit(3)


def forgetful() -> Any:
    return None


@pytest.fixture
def plugin() -> dict[str, object]:
    class Own(Witness):
        made: ClassVar[list[Any]] = []

    @hookimpl
    def rtvi_stages() -> dict[str, Any]:
        return {
            "witness": Own,
            "failing": Failing,
            "leaving": leaving,
            "cancelling": cancelling,
            "forgetful": forgetful,
        }

    return {"witnesses": SimpleNamespace(rtvi_stages=rtvi_stages, own=Own)}


VOICE = """
    services: {a: {}}
    pipeline:
      audio: {in: 16000, out: 16000}
      stt: {use: openai, args: {api_key: x}, settings: {language: de}}
      llm: {use: openai, args: {api_key: x}, settings: {model: small, temperature: 0.5}}
      tts: {use: openai, args: {api_key: x, sample_rate: 24000}, settings: {voice: echo}}
      vad: {use: silero, params: {stop_secs: 0.4}}
      turns:
        start: [{use: min_words, args: {min_words: 3}}]
        stop: [{use: speech_timeout, args: {user_speech_timeout: 0.3}}]
        mute: [first_speech]
        stop_timeout: 2s
        idle_timeout: 1m
      context:
        system: Be kind.
        messages: [{role: user, content: Hello.}, {role: assistant, content: Hi.}]
        user: {audio_idle_timeout: 0.5}
      metrics: true
      idle_timeout: 90s
"""


async def test_a_whole_voice_bot(folder: Folder) -> None:
    built = build_one(folder.bot(VOICE))
    stt, llm, tts = (built.stages[name] for name in ("stt", "llm", "tts"))
    assert isinstance(stt, OpenAISTTService)
    assert isinstance(llm, OpenAILLMService)
    assert isinstance(tts, OpenAITTSService)
    assert built.llm is llm
    assert stt.settings.language == "de"
    assert (llm.settings.model, llm.settings.temperature) == ("small", 0.5)
    assert llm.settings.system_instruction == "Be kind."
    assert tts.settings.voice == "echo"
    assert built.context is not None
    assert built.context.get_messages() == [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hi."},
    ]
    params = built.stages["context.user"]._params  # type: ignore[attr-defined]
    assert isinstance(params.vad_analyzer, SileroVADAnalyzer)
    assert params.vad_analyzer.params.stop_secs == 0.4
    assert [type(s) for s in params.user_turn_strategies.start] == [MinWordsUserTurnStartStrategy]
    assert [type(s) for s in params.user_turn_strategies.stop] == [SpeechTimeoutUserTurnStopStrategy]
    assert [type(s) for s in params.user_mute_strategies] == [FirstSpeechUserMuteStrategy]
    assert (params.user_turn_stop_timeout, params.user_idle_timeout, params.audio_idle_timeout) == (2, 60, 0.5)
    worker = built.worker["params"]
    assert (worker.audio_in_sample_rate, worker.audio_out_sample_rate) == (16_000, 16_000)
    assert worker.enable_metrics
    assert worker.enable_usage_metrics
    assert built.worker["idle_timeout_secs"] == 90
    order = [built.stages[name] for name in ("transport.input", "stt", "context.user", "llm", "tts")]
    order += [built.stages["transport.output"], built.stages["context.assistant"]]
    assert list(built.pipeline.processors)[1:-1] == order


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{}", {"idle_timeout_secs": None}, id="text"),
        pytest.param("{stt: {use: openai, args: {api_key: x}}}", {}, id="voice"),
        pytest.param(
            "{stt: {use: openai, args: {api_key: x}}, idle_timeout: never}", {"idle_timeout_secs": None}, id="never"
        ),
        pytest.param("{idle_timeout: 2m}", {"idle_timeout_secs": 120}, id="said"),
    ],
)
async def test_idle_timeout(folder: Folder, text: str, expected: dict[str, Any]) -> None:
    built = build_one(folder.bot(f"{HEAD}pipeline: {text}"))
    assert {key: value for key, value in built.worker.items() if key != "params"} == expected


@pytest.mark.parametrize("name", ["external", "filter_incomplete", "eager"])
async def test_sets_of_turn_strategies(folder: Folder, name: str) -> None:
    llm = "{use: openai, args: {api_key: x}}"
    built = build_one(folder.bot(f"{HEAD}pipeline: {{llm: {llm}, turns: {{use: {name}}}}}"))
    strategies = built.stages["context.user"]._params.user_turn_strategies  # type: ignore[attr-defined]
    assert type(strategies).__name__ == f"{name.title().replace('_', '')}UserTurnStrategies"


async def test_a_set_takes_strategies(folder: Folder) -> None:
    text = "{llm: {use: openai, args: {api_key: x}}, turns: {use: filter_incomplete, stop: [speech_timeout]}}"
    built = build_one(folder.bot(f"{HEAD}pipeline: {text}"))
    strategies = built.stages["context.user"]._params.user_turn_strategies  # type: ignore[attr-defined]
    assert "SpeechTimeout" in repr([getattr(s, "_inner", s) for s in strategies.stop]) + repr(vars(strategies.stop[0]))


WITNESS = """
    services: {a: {}}
    pipeline:
      stages:
        - transport.input
        - use: witness
          args: {words: [a, b], tone: {pitch: 2}, inner: {use: 'tests.pipecat.test_building:Passing'}}
          params: {size: 3}
        - transport.output
"""


async def test_what_a_stage_of_a_plugin_is_given(folder: Folder, plugin: dict[str, Any]) -> None:
    bot = folder.bot(WITNESS, plugin)
    first, second = build_one(bot), build_one(bot)
    one, other = plugin["witnesses"].own.made
    assert one.given[0] is bot
    assert one.given[1].stages is not other.given[1].stages
    assert (one.words, one.tone, one.shape) == (["a", "b"], Tone(2.0), Shape(size=3))
    assert type(one.inner).__name__ == "Passing"
    # Sessions share nothing that could change.
    assert one.words is not other.words
    assert one.inner is not other.inner
    assert one.shape is not other.shape
    assert one.given[2] is not other.given[2]
    for built in (first, second):
        await built.pipeline.cleanup()
    assert one.given[2].closed
    assert (one.cleaned, other.cleaned) == (1, 1)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        pytest.param("{use: failing, args: {key: hunter2-secret}}", "ValueError: the key … is no key", id="raises"),
        pytest.param("leaving", "'leaving' cannot be made: SystemExit: 3", id="exits"),
        pytest.param("cancelling", "'cancelling' cannot be made: CancelledError", id="cancels"),
        pytest.param("forgetful", "'forgetful' made an object of type 'NoneType', which is no stage", id="nothing"),
    ],
)
async def test_a_stage_that_cannot_be_made(folder: Folder, plugin: dict[str, Any], use: str, said: str) -> None:
    """One line at its place, no secret in it, and what was made before it released."""
    bot = folder.bot(f"{HEAD}pipeline:\n  stages: [transport.input, witness, {use}, transport.output]", plugin)
    with pytest.raises(BuildError) as raised:
        build_one(bot)
    problem = raised.value.problem
    assert (problem.location.line, problem.location.column, problem.slug) == (5, 38, "bad-stage")
    assert problem.where == "pipeline.stages[2]"
    assert said in problem.render()
    assert "hunter2" not in str(raised.value)
    (witness,) = plugin["witnesses"].own.made
    assert not witness.given[2].closed
    await raised.value.cleanup()
    assert witness.given[2].closed
    assert witness.cleaned == 1
    await raised.value.cleanup()
    assert witness.cleaned == 1


async def test_a_detector_that_cannot_be_made(folder: Folder) -> None:
    bot = folder.bot(
        HEAD + "pipeline: {llm: {use: openai, args: {api_key: x}}, vad: 'tests.pipecat.test_building:exiting'}"
    )
    with pytest.raises(BuildError, match="SystemExit: 3") as raised:
        build_one(bot)
    await raised.value.cleanup()


async def test_the_responder_stands_where_the_llm_stands(folder: Folder) -> None:
    bot = folder.bot(HEAD + "runtime: {responder: echo}\npipeline: {}")
    async with running(bot) as (client, built):
        assert built.llm is None
        assert built.context is not None
        assert await client.send_text("anybody there?") == "anybody there?"


async def test_tools_reach_the_context(folder: Folder) -> None:
    text = """
        functions: {where: {description: Where they are., arguments: {accuracy: string}}}
        pipeline: {llm: {use: openai, args: {api_key: x}}}
    """
    built = build_one(folder.bot(text))
    assert built.context is not None
    assert [tool.name for tool in built.context.tools.standard_tools] == ["where"]  # type: ignore[union-attr]


async def test_sessions_come_and_go(folder: Folder, plugin: dict[str, Any]) -> None:
    bot = folder.bot(WITNESS, plugin)
    for _ in range(3):
        async with running(bot) as (client, _built):
            assert await client.get_config() == {"a": {}}
    assert [witness.cleaned for witness in plugin["witnesses"].own.made] == [1, 1, 1]
    assert all(witness.given[2].closed for witness in plugin["witnesses"].own.made)
