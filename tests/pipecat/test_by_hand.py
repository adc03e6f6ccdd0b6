"""Pipelines made by hand: bound options hold when their stages are attached, and nothing starts without them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import Frame, ServiceUpdateSettingsFrame, StartFrame
from pipecat.pipeline.service_switcher import ServiceSwitcher
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.settings import ServiceSettings, TTSSettings
from pipecat.services.tts_service import TTSService

from rtvi_plugins import Bot, Session, StartupError
from rtvi_plugins.errors import errors_of
from rtvi_plugins.hosting.admission import as_config
from rtvi_plugins.pipecat import RTVIProcessor, processor_for, refusing
from rtvi_plugins.server.app import BotHost
from tests.pipecat.building import Folder
from tests.pipecat.memory import PipelineClient, connect


@dataclass
class SpokenSettings(TTSSettings):
    rate: int = 100


class Voice(TTSService):
    """A TTS stage that notes what it had when it started, and every change after that."""

    Settings = SpokenSettings

    def __init__(self) -> None:
        super().__init__(settings=SpokenSettings(model=None, voice="alba", language=None, rate=175))
        self.started_with: Any = None
        self.changes: list[dict[str, Any]] = []

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        self.started_with = self.settings.rate  # type: ignore[attr-defined]

    async def run_tts(self, text: str, context_id: str) -> Any:
        yield None

    async def _update_settings(self, delta: Any) -> dict[str, Any]:
        self.changes.append(delta.given_fields())
        return await super()._update_settings(delta)


@dataclass
class TintSettings(ServiceSettings):
    colour: str = "red"


class Tint(FrameProcessor):
    """A stage that is no service, and learns by the frame."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = TintSettings(model=None)
        self.told: list[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, ServiceUpdateSettingsFrame) and frame.service is self:
            self.settings.colour = frame.delta.colour  # type: ignore[attr-defined, union-attr]
            self.told.append(self.settings.colour)
        else:
            await self.push_frame(frame, direction)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


RATE = "services: {voice: {options: {rate: {type: integer, bind: tts.rate, default: 300}}}}"


def load(folder: Folder, text: str) -> Bot:
    """Load a bot without `pipeline:`, of which only warnings tell."""
    bot, problems = folder.load(text)
    assert not errors_of(problems)
    assert bot is not None
    return bot


def processor(bot: Bot, **values: Any) -> RTVIProcessor:
    return processor_for(bot)(as_config({"voice": values} if values else {}), session=Session("by hand"))


async def values_of(client: PipelineClient) -> Any:
    return await client.get_config()


@pytest.mark.parametrize(
    "pipeline", ["", "\npipeline: {tts: {use: openai, args: {api_key: x}}}"], ids=["without", "with"]
)
async def test_defaults_hold_when_stages_are_attached(folder: Folder, pipeline: str) -> None:
    field = "tts.rate" if not pipeline else "tts.speed"
    bot = load(folder, RATE.replace("tts.rate", field).replace("integer", "number") + pipeline)
    rtvi, voice = processor(bot), Voice()
    if pipeline:  # the manifest's own pipeline has other fields than this stage
        with pytest.raises(StartupError, match="stage 'tts' has no setting 'speed'"):
            rtvi.attach_stages({"tts": voice})
        return
    rtvi.attach_stages({"tts": voice})
    assert voice.settings.rate == 300  # type: ignore[attr-defined]
    async with connect(rtvi, stages=[voice]) as client:
        assert voice.started_with == 300
        assert await values_of(client) == {"voice": {"rate": 300}}
        assert voice.changes == []
        await client.update_config({"voice": {"rate": 120}})
        assert voice.settings.rate == 120  # type: ignore[attr-defined]
        await client.update_config({"voice": {"rate": 300}})
        assert voice.settings.rate == 300  # type: ignore[attr-defined]


async def test_configured_values_and_those_of_the_session(folder: Folder) -> None:
    bot = load(folder, RATE + "\nconfig: {voice: {rate: 310}}")
    for given, expected in (({}, 310), ({"rate": 320}, 320)):
        rtvi, voice = processor(bot, **given), Voice()
        rtvi.attach_stages({"tts": voice})
        assert voice.settings.rate == expected  # type: ignore[attr-defined]


async def test_a_value_of_the_session_that_does_not_fit_is_refused_by_the_configuration(folder: Folder) -> None:
    bot = load(folder, "services: {voice: {options: {rate: {bind: tts.rate, default: 300}}}}")
    rtvi, voice = processor(bot, rate="fast"), Voice()
    rtvi.attach_stages({"tts": voice})
    async with connect(rtvi, stages=[voice]) as client:
        assert voice.started_with == 300
        assert await values_of(client) == {"voice": {"rate": 300}}
        assert [m["data"]["error"] for m in client.of("error")] == [
            "Option voice.rate was refused: 'rate' does not take this value"
        ]


WRONG = {
    "no-such-stage": (RATE, {"llm": Voice}, "option voice.rate is bound to stage 'tts', which is not attached"),
    "near": (RATE, {"tt": Voice}, "did you mean 'tt'"),
    "no-such-setting": (
        RATE.replace("tts.rate", "tts.rat"),
        {"tts": Voice},
        "has no setting 'rat'; did you mean 'rate'",
    ),
    "no-settings": (RATE, {"tts": FrameProcessor}, "has no setting 'rate'; expected nothing|has no setting 'rate'"),
    "default": (
        "services: {voice: {options: {rate: {bind: tts.rate, default: fast}}}}",
        {"tts": Voice},
        "stage 'tts' does not take its value for 'rate'",
    ),
}


@pytest.mark.parametrize(("text", "stages", "said"), WRONG.values(), ids=WRONG)
async def test_what_cannot_hold_is_told_at_once(folder: Folder, text: str, stages: Any, said: str) -> None:
    rtvi = processor(load(folder, text))
    with pytest.raises(StartupError, match=said):
        rtvi.attach_stages({name: make() for name, make in stages.items()})


@pytest.mark.parametrize("by_hand", [True, False], ids=["placed", "rtvi_processor"])
async def test_a_start_without_stages_is_refused(
    folder: Folder, caplog: pytest.LogCaptureFixture, by_hand: bool
) -> None:
    bot = load(folder, RATE)
    with caplog.at_level(logging.ERROR):
        async with connect(processor(bot), stages=[Voice()], by_hand=by_hand, ready=False) as client:
            await client.send("client-ready", {"version": "2.1.0", "about": {"library": "x"}})
            async with asyncio.timeout(10):
                while not client.worker.has_finished():
                    await asyncio.sleep(0.005)
            (error,) = client.received
    assert (error["type"], error["data"]["error"], error["data"]["fatal"]) == ("error", refusing.FAILED, True)
    (line,) = [record.getMessage() for record in caplog.records if "no start" in record.getMessage()]
    assert "voice.rate is bound to stage 'tts'" in line
    assert "attach_stages" in line


async def test_a_client_that_says_nothing_is_refused_too(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusing, "PATIENCE_S", 0.05)
    async with connect(processor(load(folder, RATE)), stages=[Voice()], ready=False) as client:
        async with asyncio.timeout(10):
            while not client.worker.has_finished():
                await asyncio.sleep(0.005)
        assert [m["type"] for m in client.received] == ["error"]


async def test_a_bot_without_bound_options_needs_no_stages(folder: Folder) -> None:
    async with connect(processor(load(folder, "services: {voice: {}}"))) as client:
        assert client.types() == ["bot-ready"]


async def test_a_stage_that_is_no_service_has_its_value_and_is_told_by_its_frame(folder: Folder) -> None:
    bot = load(folder, "services: {look: {options: {colour: {bind: tint.colour, default: blue}}}}")
    rtvi, tint = processor(bot), Tint()
    rtvi.attach_stages({"tint": tint})
    assert tint.settings.colour == "blue"
    async with connect(rtvi, stages=[tint]):
        assert tint.told == ["blue"]


async def test_the_detector(folder: Folder) -> None:
    bot = load(folder, "services: {ears: {options: {pause: {bind: vad.stop_secs, default: 0.7}}}}")
    rtvi, analyzer = processor(bot), SileroVADAnalyzer()
    pair = LLMContextAggregatorPair(LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=analyzer))
    with pytest.raises(StartupError, match="stage 'vad' has no setting"):
        rtvi.attach_stages({"vad": pair.user()})
    rtvi.attach_stages({"vad": pair.user()}, analyzer=analyzer)
    assert analyzer.params.stop_secs == 0.7
    async with connect(rtvi, stages=[pair.user()]) as client:
        await client.update_config({"ears": {"pause": 1}})
        assert analyzer.params.stop_secs == 1


async def test_services_of_pipecat_are_as_if_made_with_the_values(folder: Folder) -> None:
    text = """
        services:
          a:
            options:
              who: {type: string, bind: llm.system_instruction, default: Be kind.}
              model: {type: string, bind: llm.model, default: large}
              tongue: {type: string, bind: stt.language, default: de-DE}
    """
    rtvi = processor(load(folder, text))
    llm = OpenAILLMService(api_key="x", settings=OpenAILLMService.Settings(model="small"))
    stt = OpenAISTTService(api_key="x")
    made = OpenAISTTService(api_key="x", settings=OpenAISTTService.Settings(language="de-DE"))
    rtvi.attach_stages({"llm": llm, "stt": stt})
    assert (llm.settings.model, llm.settings.system_instruction) == ("large", "Be kind.")
    assert llm._base_system_instruction == "Be kind."
    assert llm._metrics._core_metrics_data.model == "large"
    assert stt.settings.language == made.settings.language


async def test_services_that_take_turns_are_all_told(folder: Folder) -> None:
    rtvi, voices = processor(load(folder, RATE)), [Voice(), Voice()]
    switcher = ServiceSwitcher(list(voices))
    rtvi.attach_stages({"tts": switcher})
    assert [voice.settings.rate for voice in voices] == [300, 300]  # type: ignore[attr-defined]
    async with connect(rtvi, stages=[switcher]) as client:
        await client.update_config({"voice": {"rate": 99}})
        assert [voice.settings.rate for voice in voices] == [99, 99]  # type: ignore[attr-defined]
        assert [voice.changes for voice in voices] == [[{"rate": 99}]] * 2


async def test_a_stage_that_will_ignore_changes_is_told_of(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    heat = "services: {a: {options: {heat: {type: number, bind: llm.temperature, default: 0.5}}}}"
    for text, told in ((heat, 1), (heat.replace("bind", "mutable: start, bind"), 0)):
        caplog.clear()
        processor(load(folder, text)).attach_stages({"llm": OpenAIRealtimeLLMService(api_key="x")})
        lines = [
            record.getMessage()
            for record in caplog.records
            if "applies no change of 'temperature'" in record.getMessage()
        ]
        assert len(lines) == told


def test_the_standalone_host_serves_no_bound_options(folder: Folder) -> None:
    with pytest.raises(StartupError, match=r"services\.voice\.options\.rate\.bind: there is no pipeline to bind to"):
        BotHost(load(folder, RATE))
