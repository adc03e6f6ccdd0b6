"""The service `conversation` as clients meet it, and the audit log."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

import pytest

from rtvi_plugins import Bot
from rtvi_plugins.testing import RequestError, connect

MANIFEST = """
manifest: 1
bot: talker
services:
  conversation: {use: conversation}
  voice: {use: voice}
messages:
  echo: {plugin: conversation, data: {type: object}, result: object}
runtime: {responder: echo}
"""

AUDIT = "rtvi_plugin_conversation.audit"


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    path = tmp_path / "talker.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return Bot.load(path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"message": "Hello"}, "'Hello'", id="given"),
        pytest.param({}, "'Default message'", id="default"),
        pytest.param({"message": "a\nERROR b"}, r"'a\nERROR b'", id="a-line-break-stays-quoted"),
    ],
)
def test_print_message(bot: Bot, arguments: dict[str, str], expected: str, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            assert await client.call("conversation.print_message", **arguments) is True

    with caplog.at_level(logging.INFO, "rtvi_plugin_conversation"):
        asyncio.run(run())
    assert f"print_message: {expected}" in caplog.messages


def test_history_holds_both_sides_until_it_is_cleared(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            assert await client.call("conversation.history") == []
            assert await client.send_text("Good morning") == "Good morning"
            assert await client.call("conversation.history", limit=2) == [
                {"role": "user", "text": "Good morning"},
                {"role": "bot", "text": "Good morning"},
            ]
            assert await client.call("conversation.history", limit=1.0) == [{"role": "bot", "text": "Good morning"}]
            assert await client.call("conversation.clear_history") is True
            assert await client.call("conversation.clear_history") is False
            assert await client.call("conversation.history") == []

    asyncio.run(run())


def test_sessions_do_not_hear_each_other(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as one, connect(bot) as other:
            await one.send_text("Between us")
            assert await other.call("conversation.history") == []

    asyncio.run(run())


@pytest.mark.parametrize("limit", [0, 201, 1.5, "2", True], ids=repr)
def test_history_refuses_limits_out_of_range(bot: Bot, limit: object) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            with pytest.raises(RequestError, match="limit"):
                await client.call("conversation.history", limit=limit)

    asyncio.run(run())


def test_echo_answers_with_its_data(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            assert await client.ask("echo", {"n": [1, None, "ü"]}) == {"n": [1, None, "ü"]}

    asyncio.run(run())


def test_audit_logs_options_and_actions_without_values(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            await client.update_config({"voice": {"rate": 234}})
            await client.call("conversation.print_message", message="private words")

    with caplog.at_level(logging.DEBUG, AUDIT):
        asyncio.run(run())
    lines = [record.getMessage() for record in caplog.records if record.name == AUDIT]
    assert re.fullmatch(r"option voice\.rate done in \d+\.\d ms, session \S*", lines[-2])
    assert re.fullmatch(r"action conversation\.print_message done in \d+\.\d ms, session \S*", lines[-1])
    assert not [line for line in lines if "private" in line]


def test_audit_is_silent_when_nobody_listens(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            await client.call("conversation.clear_history")

    with caplog.at_level(logging.INFO, AUDIT):
        asyncio.run(run())
    assert AUDIT not in {record.name for record in caplog.records}
