"""The service `voice` as clients meet it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rtvi_plugins import Bot
from rtvi_plugins.testing import RequestError, connect

SHIPPED = """
manifest: 1
bot: speaker
services:
  voice: {use: voice}
config:
  voice: {voice_id: bruno, api_key: not-for-clients}
"""

HAND_WRITTEN = """
manifest: 1
bot: speaker
services:
  voice:
    plugin: voice
    options:
      voice_id: {type: string, enum: [carla, dora], default: carla}
      rate:     {type: integer, minimum: 100, maximum: 200, default: 120}
      pitch:    {type: number, default: 0}
      greeting: {type: string, default: Hello}
      api_key:  {type: string, default: "", secret: true, client: none}
    actions:
      preview: {arguments: {text: string}, result: number}
"""

FIVE_WORDS = "one two three four five"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "speaker.yaml"
    path.write_text(SHIPPED, encoding="utf-8")
    return path


def test_options_begin_with_the_manifest_and_hide_the_key(manifest: Path) -> None:
    async def run() -> None:
        async with connect(Bot.load(manifest)) as client:
            config = await client.get_config()
        assert config["voice"] == {"voice_id": "bruno", "rate": 175, "pitch": 0, "greeting": "Welcome!"}

    asyncio.run(run())


def test_preview_follows_the_rate(manifest: Path) -> None:
    async def run() -> None:
        async with connect(Bot.load(manifest)) as client:
            assert await client.call("voice.preview", text=FIVE_WORDS) == 1.71
            await client.update_config({"voice": {"rate": 300, "pitch": -2.5}})
            assert await client.call("voice.preview", text=FIVE_WORDS) == 1.0
            config = await client.get_config()
            assert (config["voice"]["rate"], config["voice"]["pitch"]) == (300, -2.5)

    asyncio.run(run())


def test_each_session_has_its_own_rate(manifest: Path) -> None:
    async def run() -> None:
        bot = Bot.load(manifest)
        async with connect(bot) as fast, connect(bot) as usual:
            await fast.update_config({"voice": {"rate": 450}})
            assert await fast.call("voice.preview", text=FIVE_WORDS) == 0.67
            assert await usual.call("voice.preview", text=FIVE_WORDS) == 1.71

    asyncio.run(run())


REFUSED = [
    pytest.param({"rate": 79}, "rate", id="too-slow"),
    pytest.param({"rate": "200"}, "rate", id="text-for-a-number"),
    pytest.param({"voice_id": "carla"}, "voice_id", id="unknown-voice"),
    pytest.param({"pitch": 12.5}, "pitch", id="too-high"),
    pytest.param({"greeting": "Late"}, "greeting", id="greeting-after-the-start"),
    pytest.param({"api_key": "stolen"}, "api_key", id="hidden-option"),
    pytest.param({"rate": 300, "pitch": 99}, "pitch", id="one-bad-of-two"),
]


@pytest.mark.parametrize(("options", "named"), REFUSED)
def test_refused_changes_change_nothing(manifest: Path, options: dict[str, object], named: str) -> None:
    async def run() -> None:
        async with connect(Bot.load(manifest)) as client:
            before = await client.get_config()
            with pytest.raises(RequestError, match=named):
                await client.update_config({"voice": options})
            assert await client.get_config() == before
            assert await client.call("voice.preview", text=FIVE_WORDS) == 1.71

    asyncio.run(run())


def test_a_hand_written_service_of_the_same_names_is_served(tmp_path: Path) -> None:
    path = tmp_path / "speaker.yaml"
    path.write_text(HAND_WRITTEN, encoding="utf-8")

    async def run() -> None:
        async with connect(Bot.load(path)) as client:
            await client.update_config({"voice": {"voice_id": "dora"}})
            assert await client.call("voice.preview", text=FIVE_WORDS) == 2.5
            with pytest.raises(RequestError, match="rate"):
                await client.update_config({"voice": {"rate": 300}})

    asyncio.run(run())
