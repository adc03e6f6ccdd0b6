"""The least that a bot may be, on every host: a responder alone, and options that only hold a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtvi_plugins import Bot

from .conftest import connect


@pytest.mark.standalone("there a stage answers: tests/pipecat/test_answering.py")
async def test_a_bot_with_only_a_responder_answers(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text("manifest: 1\nbot: only\nruntime: {responder: echo}\n")
    async with connect(Bot.load(path)) as client:
        assert await client.send_text("hello") == "hello"


async def test_options_without_handlers_hold_their_values(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    options = "{level: {type: integer, maximum: 9, default: 3}, name: {type: string, handler: none, default: a}}"
    path.write_text(f"manifest: 1\nbot: held\nservices: {{shelf: {{options: {options}}}}}\n")
    async with connect(Bot.load(path)) as client:
        assert await client.update_config({"shelf": {"level": 5}}) == {"shelf": {"level": 5, "name": "a"}}
        assert await client.get_config() == {"shelf": {"level": 5, "name": "a"}}
