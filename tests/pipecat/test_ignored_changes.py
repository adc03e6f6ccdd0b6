"""A change that a stage stores and does not apply is refused, and all of its update with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pipecat.frames.frames import ServiceUpdateSettingsFrame
from pipecat.pipeline.service_switcher import ServiceSwitcher
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService

from rtvi_plugins import ActionError, hookimpl
from rtvi_plugins.pipecat import options, processor_for
from rtvi_plugins.testing import RequestError
from tests.pipecat.building import Folder, running
from tests.pipecat.memory import connect


@dataclass
class Settings(TTSSettings):
    rate: int = 100
    pitch: int = 50


class Quiet(TTSService):
    """Keeps some changes for its next connection, as several services of Pipecat's do."""

    Settings = Settings
    ignored: frozenset[str] = frozenset({"voice", "model", "language"})

    def __init__(self, *, settings: Settings | None = None) -> None:
        start = Settings(model=None, voice="alba", language=None)
        if settings is not None:
            start.apply_update(settings)
        super().__init__(settings=start)
        self.gate: asyncio.Event | None = None
        self.fails_after_storing: Any = None
        self.is_quiet = False

    async def run_tts(self, text: str, context_id: str) -> Any:
        yield None

    async def _update_settings(self, delta: Any) -> dict[str, Any]:
        if self.gate is not None:
            await self.gate.wait()
        changed = await super()._update_settings(delta)
        if self.fails_after_storing in delta.given_fields().values():
            if self.is_quiet:
                await self.push_error("cannot connect again with sk-1234")
            else:
                raise ConnectionError("cannot connect again with sk-1234")
        self._warn_unhandled_updated_settings(changed.keys() & self.ignored)
        return changed


class Deaf(TTSService):
    """Drops changes without a word."""

    Settings = Settings

    def __init__(self, *, settings: Settings | None = None) -> None:
        super().__init__(settings=Settings(model=None, voice="alba", language=None))

    async def run_tts(self, text: str, context_id: str) -> Any:
        yield None

    async def _update_settings(self, delta: Any) -> dict[str, Any]:
        return {}


class Rounding(Deaf):
    """Takes changes in its own way, which is a change too."""

    async def _update_settings(self, delta: Any) -> dict[str, Any]:
        self.settings.rate = round(delta.rate, -1)  # type: ignore[attr-defined]
        return {"rate": delta.rate}


class Plugin:
    @staticmethod
    @hookimpl
    def rtvi_stages() -> dict[str, Any]:
        return {"quiet": Quiet, "deaf": Deaf, "rounding": Rounding}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


BOT = """
    services:
      voice:
        options:
          rate: {{bind: tts.rate, default: 175}}
          name: {{bind: tts.voice, default: alba}}
    pipeline: {{tts: {stage}}}
"""
BEFORE = {"voice": {"rate": 175, "name": "alba"}}


async def refused(client: Any, **values: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await client.update_config({"voice": values})
    return caught.value


@pytest.mark.parametrize("values", [{"name": "bruno"}, {"rate": 300, "name": "bruno"}, {"name": "bruno", "rate": 300}])
async def test_the_whole_update_is_rolled_back(folder: Folder, values: dict[str, Any]) -> None:
    async with running(folder.bot(BOT.format(stage="quiet"), {"p": Plugin})) as (client, built):
        tts: Any = built.stages["tts"]
        error = await refused(client, **values)
        assert error.code == "option-failed"
        assert "Option voice.name was refused: the stage applies no change of 'voice' while it runs" in error.text
        assert await client.get_config() == BEFORE
        assert (tts.settings.rate, tts.settings.voice) == (175, "alba")
        # What it does apply goes on working, and the value that it has is no change.
        await client.update_config({"voice": {"rate": 300, "name": "alba"}})
        assert (tts.settings.rate, tts.settings.voice) == (300, "alba")


async def test_a_stage_that_drops_a_change(folder: Folder) -> None:
    async with running(folder.bot(BOT.format(stage="deaf"), {"p": Plugin})) as (client, _):
        assert "the stage did not take 'rate'" in (await refused(client, rate=300)).text


async def test_a_stage_that_takes_a_change_in_its_own_way(folder: Folder) -> None:
    async with running(folder.bot(BOT.format(stage="rounding"), {"p": Plugin})) as (client, built):
        await client.update_config({"voice": {"rate": 301}})
        assert built.stages["tts"].settings.rate == 300  # type: ignore[attr-defined]


@pytest.mark.parametrize("is_quiet", [True, False], ids=["push_error", "raise"])
async def test_a_stage_that_fails_after_storing_a_change(folder: Folder, is_quiet: bool) -> None:
    async with running(folder.bot(BOT.format(stage="quiet"), {"p": Plugin})) as (client, built):
        tts: Any = built.stages["tts"]
        tts.fails_after_storing, tts.is_quiet = 300, is_quiet
        error = await refused(client, rate=300)
        assert error.code == "option-failed"
        assert "sk-1234" not in str(client.received)
        assert tts.settings.rate == 175
        assert await client.get_config() == BEFORE


async def test_what_may_be_ignored_is_waited_for(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that is busy is waited for, where only it can tell whether it applies a change."""
    monkeypatch.setattr(options, "WAIT_S", 0.01)
    async with running(folder.bot(BOT.format(stage="quiet"), {"p": Plugin})) as (client, built):
        tts: Any = built.stages["tts"]
        tts.gate = asyncio.Event()
        asking = asyncio.create_task(refused(client, name="bruno"))
        await asyncio.sleep(0.1)
        assert not asking.done()
        tts.gate.set()
        assert (await asking).code == "option-failed"
        assert await client.get_config() == BEFORE


async def test_what_is_waited_for_in_vain_changes_nothing(folder: Folder) -> None:
    text = BOT.format(stage="quiet") + "    runtime: {limits: {option_timeout: 50ms}}\n"
    async with running(folder.bot(text, {"p": Plugin})) as (client, built):
        tts: Any = built.stages["tts"]
        held, passed = asyncio.Event(), asyncio.Event()
        tts.add_event_handler("on_before_process_frame", _wait_for(held))
        tts.add_event_handler("on_after_process_frame", _set(passed))
        assert "timed out" in (await refused(client, rate=300)).text
        held.set()
        await asyncio.wait_for(passed.wait(), 10)
        assert tts.settings.rate == 175


def _wait_for(held: asyncio.Event) -> Any:
    async def hold(_stage: Any, frame: Any) -> None:
        if isinstance(frame, ServiceUpdateSettingsFrame):
            await held.wait()

    return hold


def _set(passed: asyncio.Event) -> Any:
    async def note(_stage: Any, frame: Any) -> None:
        if isinstance(frame, ServiceUpdateSettingsFrame):
            passed.set()

    return note


class Slow(Deaf):
    """Says nothing of what it ignores, and fails late."""

    def __init__(self, *, settings: Settings | None = None) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def _update_settings(self, delta: Any) -> dict[str, Any]:
        await self.gate.wait()
        raise ConnectionError("too late")


async def test_a_change_that_fails_after_it_was_confirmed_is_told(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "WAIT_S", 0.01)
    bot, _ = folder.load("services: {voice: {options: {rate: {type: integer, bind: tts.rate, default: 175}}}}")
    assert bot is not None
    rtvi, tts = processor_for(bot)(), Slow()
    rtvi.attach_stages({"tts": tts})
    async with connect(rtvi, stages=[tts]) as client:
        await client.update_config({"voice": {"rate": 300}})
        tts.gate.set()
        await client.settle()
        told = [m["data"] for m in client.of("error") if m["data"].get("code") == "option-failed"]
        assert [data["error"] for data in told] == ["the stage failed to take the value"]
        assert tts.settings.rate == 175  # type: ignore[attr-defined]


async def test_of_services_that_take_turns_all_take_a_change_or_none(folder: Folder) -> None:
    bot, _ = folder.load("services: {voice: {options: {rate: {type: integer, bind: tts.rate, default: 175}}}}")
    assert bot is not None
    rtvi = processor_for(bot)()
    good, bad = Quiet(), Quiet()
    bad.ignored = frozenset({"rate"})
    rtvi.attach_stages({"tts": ServiceSwitcher([good, bad])})
    async with connect(rtvi, stages=[rtvi.stages["tts"]]) as client:
        assert (await refused(client, rate=300)).code == "option-failed"
        assert [one.settings.rate for one in (good, bad)] == [175, 175]  # type: ignore[attr-defined]


async def test_a_realtime_service_of_pipecat(folder: Folder) -> None:
    text = """
        services: {{a: {{options: {{heat: {{bind: llm.temperature}}, who: {{bind: llm.system_instruction}}}}}}}}
        pipeline: {{llm: {{use: openai_realtime, args: {{api_key: x, base_url: "ws://127.0.0.1:1/"}}}}}}
    """
    bot, problems = folder.load(text.replace("{{", "{").replace("}}", "}"))
    assert [(problem.slug, problem.is_warning) for problem in problems] == [("bad-bind", True)]
    assert bot is not None
    service = OpenAIRealtimeLLMService(api_key="x", base_url="ws://127.0.0.1:1/")
    rtvi = processor_for(bot)()
    rtvi.attach_stages({"llm": service})
    async with connect(rtvi, stages=[service], ready=False):
        with pytest.raises(ActionError, match="applies no change of 'temperature'"):
            await rtvi.apply("llm", "temperature", 0.3)
