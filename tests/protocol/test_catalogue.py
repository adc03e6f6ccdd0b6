"""`docs/messages.md` against the code: no message is forgotten, none is claimed that is not there."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path

import pytest

import rtvi_plugins
from rtvi_plugins import RTVIProcessor
from rtvi_plugins.processor.core import DISPATCH
from rtvi_plugins.protocol.messages import ClientType, ServerType
from rtvi_plugins.testing import RequestError, connect

PACKAGE = Path(rtvi_plugins.__file__).parent
TABLE = PACKAGE.parent / "docs" / "messages.md"
ROW = re.compile(r"^\| `(?P<name>[a-z-]+)` \| (?P<since>[\d.]+|own) \| (?P<fate>\w+) \|", re.MULTILINE)


def rows(heading: str) -> dict[str, str]:
    section = TABLE.read_text().split(f"## {heading}")[1].split("\n## ")[0]
    return {match["name"]: match["fate"] for match in ROW.finditer(section)}


FROM_CLIENT = rows("From the client")
FROM_BOT = rows("From the bot")


def test_the_table_names_every_message() -> None:
    assert sorted(FROM_CLIENT) == sorted(ClientType)
    assert sorted(FROM_BOT) == sorted(ServerType)


def test_what_is_handled_has_a_handler() -> None:
    handled = {name for name, fate in FROM_CLIENT.items() if fate == "handled"}
    assert handled <= set(DISPATCH)


@pytest.mark.parametrize("name", sorted(name for name, fate in FROM_CLIENT.items() if fate == "refused"))
def test_what_is_refused_is_answered_at_once(name: str) -> None:
    sound = {
        ClientType.SEND_FILE: {
            "content": "",
            "file": {"format": "text/plain", "source": {"type": "url", "url": "https://example.org/a.txt"}},
        },
        ClientType.DTMF: {"buttons": ["1"]},
        ClientType.RAW_AUDIO: {"base64Audio": "AAA=", "sampleRate": 16000, "numChannels": 1},
        ClientType.RAW_AUDIO_BATCH: {"base64AudioBatch": ["AAA="], "sampleRate": 16000, "numChannels": 1},
    }

    async def main() -> str:
        async with connect(RTVIProcessor()) as client:
            with pytest.raises(RequestError) as refusal:
                await client.request(name, sound.get(ClientType(name), {}))
            return refusal.value.code

    assert asyncio.run(main()) == "unsupported-type"


def sent_types() -> set[str]:
    """Every member of `ServerType` that the code of the processor and the standalone host names."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name == "messages.py" or not {"testing", "cli", "pipecat", "compat"}.isdisjoint(
            path.relative_to(PACKAGE).parts
        ):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ServerType":
                names.add(ServerType[node.attr].value)
    return names


def test_what_is_sent_is_sent_and_what_is_not_is_not() -> None:
    assert sorted(sent_types()) == sorted(name for name, fate in FROM_BOT.items() if fate == "sent")
