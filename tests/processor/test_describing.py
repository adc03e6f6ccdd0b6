"""`describe-bot`: all of a bot in one answer, for every generation of client; nothing that is not theirs to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins import Bot, Handlers, RTVIProcessor, hookimpl
from tests.hosts import connect, make

CLIENTS = Path(__file__).parent.parent / "clients"


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Bot:
    monkeypatch.syspath_prepend(str(CLIENTS / "plugins"))
    return Bot.load(CLIENTS / "bot_whole.yaml")


def without_limits(entry: dict[str, Any]) -> dict[str, Any]:
    """What `describe-actions` tells, too: nothing that its clients do not know was put into it."""
    return {key: value for key, value in entry.items() if key not in ("timeout", "concurrency")}


@pytest.mark.parametrize("version", ["2.1.0", "1.2.0", None], ids=["2.x", "1.x", "legacy"])
async def test_everything_is_told(whole: Bot, version: str | None) -> None:
    async with connect(whole, version=version) as client:
        told = await client.describe_bot()
        assert told["services"] == await client.describe_config()
        assert [without_limits(one) for one in told["actions"]] == await client.describe_actions()
    assert (told["bot"], told["description"], told["answers_text"]) == ("whole", "", True)
    timeouts = {(one["service"], one["action"]): one["timeout"] for one in told["actions"]}
    assert timeouts == {key: action.timeout for key, action in whole.tables.actions.items()}
    serial = {(one["service"], one["action"]) for one in told["actions"] if one.get("concurrency") == "serial"}
    assert serial == {key for key, action in whole.tables.actions.items() if action.serial is not None}
    (echo,) = told["messages"]
    assert echo["timeout"] == whole.tables.messages["echo"].timeout
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


LIMITED = """\
manifest: 1
bot: limited
services:
  desk:
    concurrency: serial
    actions:
      own: {timeout: 90s, concurrency: parallel}
      shared: {}
      lone: {concurrency: serial, timeout: 500ms, job: true}
"""


class Plugin:
    """Handlers of actions that only their manifest tells apart."""

    @hookimpl
    def rtvi_handlers(self) -> list[Handlers]:
        desk = Handlers("desk")
        for name in ("own", "shared", "lone"):
            desk.action(name)(self._done)
        return [desk]

    async def _done(self, processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> None:
        return None


async def test_what_bounds_a_call_is_told(tmp_path: Path, on_host: str) -> None:
    (tmp_path / "bot.yaml").write_text(LIMITED, encoding="utf-8")
    bot = Bot.load(tmp_path / "bot.yaml", plugins={"limited": Plugin()})
    async with connect(bot) as client:
        told = {one["action"]: one for one in (await client.describe_bot())["actions"]}
        listed = {one["action"]: one for one in await client.describe_actions()}
    bounds = {name: (one["timeout"], one.get("concurrency")) for name, one in told.items()}
    assert bounds == {"own": (90, None), "shared": (30, "serial"), "lone": (0.5, "serial")}
    assert not [one for one in listed.values() if "timeout" in one or "concurrency" in one]
