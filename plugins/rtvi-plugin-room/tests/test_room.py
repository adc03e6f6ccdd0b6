"""The service `room` as clients meet it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rtvi_plugins import Bot
from rtvi_plugins.testing import RequestError, connect

MANIFEST = """
manifest: 1
bot: chamber
services:
  room: {use: room}
config:
  room: {scene: night}
"""

NIGHT = {"lamp": False, "curtains": False, "thermostat": True, "tv": False, "celsius": 18}


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    path = tmp_path / "chamber.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return Bot.load(path)


def changed(device: str, on: bool, **more: object) -> dict[str, object]:
    return {"event": "device-changed", "device": device, "on": on, **more}


def test_the_room_begins_in_the_configured_scene_without_a_message(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            assert await client.call("room.state") == NIGHT
            assert client.server_messages == []

    asyncio.run(run())


CALLS = [
    pytest.param("set_device", {"device": "lamp", "on": True}, True, [changed("lamp", True)], id="lamp-on"),
    pytest.param("set_device", {"device": "lamp", "on": False}, False, [], id="lamp-is-off-already"),
    pytest.param("set_device", {"device": "curtains", "on": True}, True, [changed("curtains", True)], id="curtains"),
    pytest.param(
        "set_device",
        {"device": "thermostat", "on": False},
        True,
        [changed("thermostat", False, celsius=18)],
        id="thermostat-off",
    ),
    pytest.param("set_temperature", {"celsius": 23.5}, True, [changed("thermostat", True, celsius=23.5)], id="warmer"),
    pytest.param("set_temperature", {"celsius": 18}, False, [], id="as-warm-as-before"),
]


@pytest.mark.parametrize(("action", "arguments", "result", "messages"), CALLS)
def test_changes_are_told(
    bot: Bot, action: str, arguments: dict[str, Any], result: bool, messages: list[dict[str, object]]
) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            assert await client.call(f"room.{action}", **arguments) is result
            assert client.server_messages == messages

    asyncio.run(run())


REFUSED = [
    pytest.param("set_device", {"device": "minibar", "on": True}, "device", id="unknown-device"),
    pytest.param("set_device", {"device": "lamp"}, "on", id="missing-on"),
    pytest.param("set_device", {"device": "lamp", "on": "on"}, "on", id="text-for-bool"),
    pytest.param("set_temperature", {"celsius": 28.5}, "celsius", id="too-warm"),
    pytest.param("set_temperature", {"celsius": True}, "celsius", id="bool-for-number"),
    pytest.param("open_curtains", {"seconds": 0}, "seconds", id="too-fast"),
    pytest.param("state", {"lamp": True}, "lamp", id="unknown-argument"),
]


@pytest.mark.parametrize(("action", "arguments", "named"), REFUSED)
def test_bad_arguments_change_nothing(bot: Bot, action: str, arguments: dict[str, Any], named: str) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            with pytest.raises(RequestError, match=named):
                await client.call(f"room.{action}", **arguments)
            assert await client.call("room.state") == NIGHT

    asyncio.run(run())


def test_a_scene_moves_every_device_that_differs(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            await client.update_config({"room": {"scene": "evening"}})
            assert client.server_messages == [changed("lamp", True), changed("thermostat", True, celsius=22)]
            assert await client.call("room.state") == NIGHT | {"lamp": True, "celsius": 22}

    asyncio.run(run())


def test_opening_the_curtains_reports_the_way(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            assert await client.call("room.open_curtains", seconds=0.1) is True
            assert client.server_messages == [
                *({"event": "device-moving", "device": "curtains", "percent": n} for n in (25, 50, 75, 100)),
                changed("curtains", True),
            ]
            assert await client.call("room.open_curtains") is False

    asyncio.run(run())


def test_another_order_stops_the_opening_and_counts(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            opening = asyncio.create_task(client.call("room.open_curtains", seconds=1))
            await client.next("server-message")
            assert await client.call("room.set_device", device="curtains", on=False) is False
            with pytest.raises(RequestError) as refusal:
                await opening
            assert refusal.value.code == "overridden"
            assert (await client.call("room.state"))["curtains"] is False

    asyncio.run(run())


def test_other_actions_run_while_the_curtains_move(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            opening = asyncio.create_task(client.call("room.open_curtains", seconds=0.5))
            await client.next("server-message")
            assert await client.call("room.set_device", device="tv", on=True) is True
            assert not opening.done()
            assert await opening is True

    asyncio.run(run())


def test_each_session_has_its_own_room(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as one, connect(bot) as other:
            await one.call("room.set_device", device="tv", on=True)
            assert await other.call("room.state") == NIGHT
            assert other.server_messages == []

    asyncio.run(run())


def test_making_up_the_room_reports_each_step(bot: Bot) -> None:
    async def run() -> None:
        async with connect(bot) as client:
            job = await client.call("room.make_up", seconds=0.1)
            told: list[dict[str, Any]] = []
            while not told or told[-1]["kind"] != "group_completed":
                await asyncio.sleep(0.01)
                told = [m["data"] for m in client.received if m["type"] == "ui-job-group"]
            assert {data["job_id"] for data in told} == {job["job_id"]}
            assert [data["data"] for data in told if data["kind"] == "job_update"][-1] == {"progress": 1}
            (completed,) = [data for data in told if data["kind"] == "job_completed"]
            assert completed["response"] == ["airing", "bed", "bathroom", "towels"]

    asyncio.run(run())
