"""Options bound to stages: a client's change reaches the live stage, or nothing has changed."""

from __future__ import annotations

import asyncio
import gc
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pipecat.frames.frames import Frame, InterruptionFrame, ServiceUpdateSettingsFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.settings import ServiceSettings, TTSSettings
from pipecat.services.tts_service import TTSService

from rtvi_plugins import ActionError, Handlers, hookimpl
from rtvi_plugins.pipecat import options
from rtvi_plugins.testing.client import RequestError
from tests.pipecat.building import Folder, build_one, running


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@dataclass
class SpokenSettings(TTSSettings):
    rate: int = 100


class Speaking(TTSService):
    """A TTS stage that notes every change; `fails` makes it fail at a value, `gate` holds it up."""

    Settings = SpokenSettings

    def __init__(self, settings: SpokenSettings | None = None) -> None:
        start = SpokenSettings(model=None, voice="alba", language=None)
        if settings is not None:
            start.apply_update(settings)
        super().__init__(settings=start)
        self.built_with = (start.voice, start.rate)
        self.changes: list[dict[str, Any]] = []
        self.fails: Any = None
        self.gate: asyncio.Event | None = None

    async def run_tts(self, text: str, context_id: str) -> Any:
        yield None

    async def _update_settings(self, delta: Any) -> dict[str, Any]:
        if self.gate is not None:
            await self.gate.wait()
        given = delta.given_fields()
        if self.fails in given.values():
            raise RuntimeError("the wire to the voice is cut")
        if given:
            self.changes.append(given)
        return await super()._update_settings(delta)


@dataclass
class TintSettings(ServiceSettings):
    colour: str = "red"
    depth: int = 1


class Tint(FrameProcessor):
    """A stage that is no service; it takes the colour, and leaves the depth."""

    Settings = TintSettings

    def __init__(self) -> None:
        super().__init__()
        self.settings = TintSettings(model=None)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, ServiceUpdateSettingsFrame) and frame.service is self:
            self.settings.colour = frame.delta.colour or self.settings.colour  # type: ignore[attr-defined, union-attr]
        else:
            await self.push_frame(frame, direction)


@dataclass
class Told:
    """What handlers and middleware saw, in order."""

    seen: list[Any] = field(default_factory=list)
    refused: Any = None


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def plugins(told: Told) -> dict[str, object]:
    voice = Handlers("voice")

    @voice.option("note")
    async def set_note(processor: Any, service: str, option: Any) -> None:
        told.seen.append(("note", option.value))
        if option.value == told.refused:
            raise ActionError("no such note")

    @voice.option("rate")
    async def set_rate(processor: Any, service: str, option: Any) -> None:
        told.seen.append(("rate", option.value, processor.rtvi.stages["tts"].settings.rate))
        if option.value == told.refused:
            raise ActionError("not at this rate")

    @hookimpl
    def rtvi_handlers() -> list[Handlers]:
        return [voice]

    @hookimpl
    def rtvi_stages() -> dict[str, Any]:
        return {"speaking": Speaking, "tint": Tint}

    async def watch(call: Any, call_next: Any) -> Any:
        told.seen.append(("middleware", call.name, call.arguments["value"]))
        return await call_next(call)

    @hookimpl
    def rtvi_middleware() -> list[Any]:
        return [watch]

    return {
        "house": SimpleNamespace(rtvi_handlers=rtvi_handlers, rtvi_stages=rtvi_stages, rtvi_middleware=rtvi_middleware)
    }


BOT = """
    services:
      voice:
        options:
          voice_id: {bind: tts.voice, enum: [alba, bruno, clara]}
          rate: {bind: tts.rate, minimum: 80, maximum: 450, default: 175}
          note: {type: string, default: ""}
    config: {voice: {voice_id: bruno}}
    pipeline: {tts: speaking}
"""


async def test_stages_are_built_with_the_values_of_their_options(folder: Folder, plugins: Any, told: Told) -> None:
    async with running(folder.bot(BOT, plugins)) as (client, built):
        tts = built.stages["tts"]
        assert tts.built_with == ("bruno", 175)  # type: ignore[attr-defined]
        assert tts.changes == []  # type: ignore[attr-defined] # not told again when the bot became ready
        assert await client.get_config() == {"voice": {"voice_id": "bruno", "rate": 175, "note": ""}}
        assert ("rate", 175, 175) in told.seen  # its handler heard all the same


async def test_a_change_reaches_the_stage_before_it_is_confirmed(folder: Folder, plugins: Any, told: Told) -> None:
    async with running(folder.bot(BOT, plugins)) as (client, built):
        tts: Any = built.stages["tts"]
        told.seen.clear()
        after = await client.update_config({"voice": {"voice_id": "clara", "rate": 300}})
        assert after["voice"] == {"voice_id": "clara", "rate": 300, "note": ""}
        assert tts.changes == [{"voice": "clara"}, {"rate": 300}]
        assert (tts.settings.voice, tts.settings.rate) == ("clara", 300)
        # Middleware is around all of it, and the handler comes after the stage.
        assert told.seen == [("middleware", "voice_id", "clara"), ("middleware", "rate", 300), ("rate", 300, 300)]
        # The same value again, and back to the first one: both are told.
        await client.update_config({"voice": {"voice_id": "clara"}})
        await client.update_config({"voice": {"voice_id": "bruno"}})
        assert tts.settings.voice == "bruno"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({"voice_id": "zoe"}, "voice.voice_id: expected one of", id="not in enum"),
        pytest.param({"rate": "fast"}, "voice.rate: expected integer", id="wrong type"),
        pytest.param({"rate": 30}, "voice.rate:", id="out of bounds"),
    ],
)
async def test_what_does_not_fit_reaches_no_stage(folder: Folder, plugins: Any, values: Any, said: str) -> None:
    async with running(folder.bot(BOT, plugins)) as (client, built):
        with pytest.raises(RequestError, match=said):
            await client.update_config({"voice": values})
        assert built.stages["tts"].changes == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("refused", "fails", "said"),
    [
        pytest.param("!", None, "no such note", id="another option's handler refuses"),
        pytest.param(300, None, "not at this rate", id="the option's own handler refuses"),
        pytest.param(None, 300, "the stage failed to take the value", id="the stage fails"),
    ],
)
async def test_all_or_nothing(folder: Folder, plugins: Any, told: Told, refused: Any, fails: Any, said: str) -> None:
    async with running(folder.bot(BOT, plugins)) as (client, built):
        tts: Any = built.stages["tts"]
        told.refused, tts.fails = refused, fails
        with pytest.raises(RequestError, match=said):
            await client.update_config({"voice": {"voice_id": "clara", "rate": 300, "note": "!"}})
        assert (tts.settings.voice, tts.settings.rate) == ("bruno", 175)
        assert await client.get_config() == {"voice": {"voice_id": "bruno", "rate": 175, "note": ""}}
        # The session is alive, and so is the stage.
        await client.update_config({"voice": {"rate": 90}})
        assert tts.settings.rate == 90


async def test_a_stage_that_is_busy_takes_the_change_next(
    folder: Folder, plugins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "WAIT_S", 0.05)
    async with running(folder.bot(BOT, plugins)) as (client, built):
        tts: Any = built.stages["tts"]
        tts.gate = asyncio.Event()
        after = await client.update_config({"voice": {"voice_id": "clara"}})
        assert after["voice"]["voice_id"] == "clara"
        assert tts.settings.voice == "bruno"
        # An interruption drops what waits in a stage, but not what a client was told is done.
        await client.update_config({"voice": {"rate": 99}})
        await tts.queue_frame(InterruptionFrame())
        tts.gate.set()
        await asyncio.wait_for(_until(lambda: len(tts.changes) == 2), 5)
        assert (tts.settings.voice, tts.settings.rate) == ("clara", 99)


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0)


async def test_a_change_that_was_given_up_does_not_come_later(folder: Folder, plugins: Any) -> None:
    text = BOT + "    runtime: {limits: {option_timeout: 50ms}}\n"
    async with running(folder.bot(text, plugins)) as (client, built):
        tts: Any = built.stages["tts"]
        blocked = asyncio.Event()
        passed: list[str] = []
        tts.add_event_handler("on_before_process_frame", _hold(blocked, passed))
        with pytest.raises(RequestError, match="timed out"):
            await client.update_config({"voice": {"voice_id": "clara"}})
        blocked.set()
        await asyncio.wait_for(_until(lambda: passed), 5)
        await client.update_config({"voice": {"rate": 99}})
        assert (tts.settings.voice, tts.settings.rate) == ("bruno", 99)


def _hold(blocked: asyncio.Event, passed: list[str]) -> Any:
    async def hold(_stage: Any, frame: Frame) -> None:
        if isinstance(frame, ServiceUpdateSettingsFrame):
            await blocked.wait()
            passed.append(frame.name)

    return hold


async def test_stages_that_are_no_services(folder: Folder, plugins: Any) -> None:
    text = """
        services: {look: {options: {colour: {bind: tint.colour, default: red}, depth: {bind: tint.depth, default: 1}}}}
        pipeline: {stages: [transport.input, tint, transport.output]}
    """
    async with running(folder.bot(text, plugins)) as (client, built):
        await client.update_config({"look": {"colour": "blue"}})
        assert built.stages["tint"].settings.colour == "blue"  # type: ignore[attr-defined]
        with pytest.raises(RequestError, match="the stage did not take 'depth'"):
            await client.update_config({"look": {"depth": 3}})
        assert await client.get_config() == {"look": {"colour": "blue", "depth": 1}}


async def test_the_detector(folder: Folder) -> None:
    text = """
        services: {ears: {options: {pause: {bind: vad.stop_secs, default: 0.4, maximum: 3}}}}
        pipeline: {llm: {use: openai, args: {api_key: x}}, vad: silero}
    """
    async with running(folder.bot(text)) as (client, built):
        analyzer = built.stages["vad"]._params.vad_analyzer  # type: ignore[attr-defined]
        assert analyzer.params.stop_secs == 0.4
        await client.update_config({"ears": {"pause": 1}})
        assert analyzer.params.stop_secs == 1
        with pytest.raises(RequestError):
            await client.update_config({"ears": {"pause": 5}})
        assert analyzer.params.stop_secs == 1


async def test_services_of_pipecat(folder: Folder) -> None:
    openai = "{use: openai, args: {api_key: x}}"
    text = f"""
        services:
          a:
            options:
              heat: {{bind: llm.temperature, default: 0.2}}
              who: {{bind: llm.system_instruction}}
              tongue: {{bind: stt.language, default: de}}
              voice: {{bind: tts.voice, default: echo}}
        pipeline: {{stt: {openai}, llm: {openai}, tts: {openai}, context: {{system: Be kind.}}}}
    """
    async with running(folder.bot(text)) as (client, built):
        stt, llm, tts = (built.stages[name].settings for name in ("stt", "llm", "tts"))  # type: ignore[attr-defined]
        assert (stt.language, llm.temperature, llm.system_instruction, tts.voice) == ("de", 0.2, "Be kind.", "echo")
        await client.update_config({"a": {"heat": 1, "who": "Be short.", "tongue": "fr", "voice": "alloy"}})
        assert (stt.language, llm.temperature, llm.system_instruction, tts.voice) == ("fr", 1, "Be short.", "alloy")


async def test_no_stage(folder: Folder, plugins: Any) -> None:
    with pytest.raises(ActionError, match="no such stage"):
        await options.apply(None, None, "voice", "x")  # type: ignore[arg-type]
    built = build_one(folder.bot(BOT, plugins))
    for name, value, said in [("voise", "x", "no setting 'voise'"), ("rate", "x", "'rate' does not take this value")]:
        with pytest.raises(ActionError, match=said):
            await options.apply(None, built.stages["tts"], name, value)  # type: ignore[arg-type]


async def test_nothing_keeps_a_session_alive(folder: Folder, plugins: Any) -> None:
    bot = folder.bot(BOT, plugins)
    gone: list[Any] = []
    async with running(bot) as (client, built):
        await client.update_config({"voice": {"rate": 90}})
        gone.append(weakref.ref(built.stages["tts"]))
    del client, built
    for _ in range(3):
        await asyncio.sleep(0)
        gc.collect()
    assert gone[0]() is None
