"""The Pipecat column of `docs/messages.md` against the code, and against what Pipecat itself can send."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pipecat.processors.frameworks.rtvi as stock
from packaging.version import Version
from pipecat.processors.frameworks.rtvi import RTVIObserverParams, models
from pydantic import BaseModel

from rtvi_plugins.pipecat.session import PipelineSession
from tests.protocol.test_catalogue import sent_types

TABLE = Path(__file__).parents[2] / "docs" / "messages.md"
ROW = re.compile(r"^\| `(?P<name>[a-z-]+)` \| (?P<since>[\w.]+) \| \w+ \| (?P<fate>\w+) \|", re.MULTILINE)
SOURCES = "".join(path.read_text() for path in Path(stock.__file__).parent.glob("[op][br]*.py"))


def rows(heading: str) -> dict[str, str]:
    section = TABLE.read_text().split(f"## {heading}")[1].split("\n## ")[0]
    return {match["name"]: match["fate"] for match in ROW.finditer(section) if is_known(match["since"])}


def is_known(since: str) -> bool:
    """Whether the installed Pipecat speaks a version of RTVI that has the message."""
    return since == "own" or Version(since) <= Version(models.PROTOCOL_VERSION)


FROM_BOT = rows("From the bot")


def sent_by_pipecat() -> set[str]:
    """The types of the messages that the stock processor or observer makes."""
    found = set()
    for name, model in vars(models).items():
        if isinstance(model, type) and issubclass(model, BaseModel) and re.search(rf"RTVI\.{name}\(", SOURCES):
            type_ = model.model_fields.get("type")
            if type_ is not None and isinstance(type_.default, str):
                found.add(type_.default)
    return found


def test_what_is_handled_has_a_handler() -> None:
    fates = rows("From the client")
    assert {name for name, fate in fates.items() if fate == "handled"} <= set(PipelineSession.dispatch)
    assert {name for name, fate in fates.items() if fate != "handled"} == {"ui-cancel-task"}


def test_what_is_sent_is_sent_by_this_package_or_by_pipecat() -> None:
    told = {name for name, fate in FROM_BOT.items() if fate in ("sent", "asked")}
    able = sent_by_pipecat() | sent_types()
    assert told <= able
    assert {name for name, fate in FROM_BOT.items() if fate == "never"}.isdisjoint(able)


def test_what_has_to_be_asked_for_is_off() -> None:
    off = {field.name for field in dataclasses.fields(RTVIObserverParams) if field.default is False}
    asked = {name for name, fate in FROM_BOT.items() if fate == "asked"}
    for name in asked:
        words = name.replace("-", "_").replace("_started", "").replace("_stopped", "").removeprefix("vad_")
        assert any(words in switch for switch in off), name
