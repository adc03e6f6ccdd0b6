"""`describe-bot`: all of a bot in one answer, for every generation of client; nothing that is not theirs to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtvi_plugins import Bot
from tests.hosts import connect, make

CLIENTS = Path(__file__).parent.parent / "clients"


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Bot:
    monkeypatch.syspath_prepend(str(CLIENTS / "plugins"))
    return Bot.load(CLIENTS / "bot_whole.yaml")


@pytest.mark.parametrize("version", ["2.1.0", "1.2.0", None], ids=["2.x", "1.x", "legacy"])
async def test_everything_is_told(whole: Bot, version: str | None) -> None:
    async with connect(whole, version=version) as client:
        told = await client.describe_bot()
        assert told["services"] == await client.describe_config()
        assert told["actions"] == await client.describe_actions()
    assert (told["bot"], told["description"], told["answers_text"]) == ("whole", "", True)
    (echo,) = told["messages"]
    assert (echo["name"], echo["data"], echo["result"]) == ("echo", {"type": "object"}, {"type": "object"})
    functions = {one["name"]: one for one in told["functions"]}
    assert functions.keys() == set(whole.tables.functions)
    location = functions["get_location"]
    assert location["arguments"] == [{"name": "accuracy", "type": "string", "required": False, "default": "coarse"}]
    assert location["schema"]["properties"]["accuracy"]["enum"] == ["coarse", "fine"]
    assert location["result_schema"]["required"] == ["lat", "lon"]
    assert location["timeout"] == 10
    assert [(one["name"], one["payload"]["required"]) for one in told["ui"]["commands"]] == [("show_map", ["room"])]
    assert [one["name"] for one in told["ui"]["events"]] == ["room_clicked", "trap"]


async def test_what_is_hidden_stays_hidden(whole: Bot) -> None:
    async with connect(whole) as client:
        told = await client.describe_bot()
    (desk,) = [service for service in told["services"] if service["name"] == "desk"]
    options = {option["name"]: option for option in desk["options"]}
    assert options.keys() == {"sign", "pin"}
    assert options["pin"]["secret"] is True
    assert "0000" not in str(told)


async def test_a_processor_made_by_hand_has_no_name(on_host: str) -> None:
    async with connect(make()) as client:
        told = await client.describe_bot()
    assert told == {
        "bot": "",
        "description": "",
        "services": [],
        "actions": [],
        "messages": [],
        "functions": [],
        "ui": {"commands": [], "events": []},
        "answers_text": on_host == "pipecat",
    }
