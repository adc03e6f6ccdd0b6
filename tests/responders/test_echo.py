from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins.responders import EchoResponder
from rtvi_plugins.schema import check_document, compile_value


async def heard(responder: Any, text: str) -> list[str]:
    return [piece async for piece in responder.respond(None, text)]


@pytest.mark.parametrize(
    ("settings", "text", "pieces"),
    [
        ({}, "one two", ["one ", "two"]),
        ({}, "  one \n two  ", ["  ", "one ", "\n ", "two ", " "]),
        ({"prefix": "You said: "}, "hi", ["You ", "said: ", "hi"]),
        ({}, "", []),
    ],
    ids=["words", "spaces are kept", "prefix", "nothing"],
)
def test_echo(settings: dict[str, str], text: str, pieces: list[str], bot: Any) -> None:
    said = asyncio.run(heard(EchoResponder(settings, bot), text))
    assert said == pieces
    assert "".join(said) == settings.get("prefix", "") + text


def test_settings_are_closed() -> None:
    assert check_document(EchoResponder.settings_schema, {}) == ()
    settings = compile_value(EchoResponder.settings_schema)
    assert settings.is_valid({"prefix": "x"})
    assert not settings.is_valid({"prefix": 5})
    assert not settings.is_valid({"suffix": "x"})
