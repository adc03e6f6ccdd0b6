"""The page: events and snapshots from it, commands to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtvi_plugins import RTVIUIEventFrame, RTVIUISnapshotFrame
from rtvi_plugins.processor.ui import STANDARD_COMMANDS
from tests.hosts import make

from .harness import Recording, Talk, made, raised, session

# -- events -----------------------------------------------------------------------------------------------------------


async def test_a_declared_event_goes_to_the_pipeline_the_application_and_its_handler() -> None:
    async with session() as client:
        recording = Recording(client, "on_ui_message")
        id_ = await client.send("ui-event", {"event": "room_clicked", "payload": {"room": "spa"}})
        await client.settle()
        frame = RTVIUIEventFrame(id_, "room_clicked", {"room": "spa"})
        assert recording.order == [("port downstream", frame), ("on_ui_message", frame)]
        assert client.data("ui-command") == [{"command": "show_map", "payload": {"room": "spa"}}]
        assert client.answers(id_) == []


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        (None, "invalid-message", "event"),
        ({}, "invalid-message", "event"),
        ({"event": 7}, "invalid-message", "event"),
        ({"event": "room_clicked"}, "invalid-message", "Invalid payload for room_clicked"),
        ({"event": "room_clicked", "payload": {"room": 7}}, "invalid-message", "room_clicked: room: expected string"),
        ({"event": "trap", "payload": "refuse"}, "not-here", "Not here"),
        ({"event": "trap"}, "action-failed", "The event could not be handled"),
    ],
)
async def test_an_event_that_fails_is_told(data: Any, code: str, text: str) -> None:
    async with session() as client:
        refusal = await client.refused("ui-event", data)
        assert refusal.code == code
        assert text in refusal.text
        assert "what only the log may hold" not in str(client.received)
        assert await client.call("desk.add", a=1) == 2


async def test_undeclared_events_are_the_applications() -> None:
    async with session() as client:
        recording = Recording(client, "on_ui_message")
        payloads: list[Any] = [0, None, [1], {}]
        ids = [await client.send("ui-event", {"event": "dragged", "payload": payload}) for payload in payloads]
        await client.settle()
        frames = [RTVIUIEventFrame(id_, "dragged", payload) for id_, payload in zip(ids, payloads, strict=True)]
        assert [frame for _, frame in recording.order] == [frame for frame in frames for _ in range(2)]
        assert [m for id_ in ids for m in client.answers(id_)] == []


async def test_an_application_that_fails_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    async with session() as client:

        @client.processor.event_handler("on_ui_message")
        async def fail(_processor: Any, _frame: Any) -> None:
            raise RuntimeError("application")

        id_ = await client.send("ui-event", {"event": "room_clicked", "payload": {"room": "spa"}})
        await client.settle()
        assert client.data("ui-command")
        assert client.answers(id_) == []
    assert "handler of on_ui_message failed" in caplog.text


async def test_applications_that_hang_stay_within_the_bound() -> None:
    processor = made(max_actions=4)
    gate = asyncio.Event()

    @processor.event_handler("on_ui_message")
    async def hang(_processor: Any, _frame: Any) -> None:
        await gate.wait()

    async with session(processor) as client:
        for data in ({"event": "dragged"}, {"event": "closed"}):
            await client.send("ui-event", data)
        await client.send("ui-snapshot", {"tree": tree("button")})
        await client.send("ui-cancel-job-group", {"job_id": "g"})
        assert (await client.refused("ui-event", {"event": "one too many"})).code == "busy"
        gate.set()
        await processor.wait_idle()
        id_ = await client.send("ui-event", {"event": "dragged"})
        await client.settle()
        assert client.answers(id_) == []


# -- snapshots --------------------------------------------------------------------------------------------------------


def tree(name: str) -> dict[str, Any]:
    return {"root": {"ref": "e1", "role": "generic", "children": [{"ref": "e2", "role": name}]}, "captured_at": 1}


def kept(client: Talk) -> Any:
    return client.processor.session.snapshot


async def test_the_newest_snapshot_is_kept() -> None:
    async with session() as client:
        recording = Recording(client, "on_ui_message")
        assert kept(client) is None
        for name in ("button", "link"):
            id_ = await client.send("ui-snapshot", {"tree": tree(name) | {"extra": None}})
            await client.settle()
            assert kept(client) == tree(name) | {"extra": None}
            frame = RTVIUISnapshotFrame(id_, tree(name) | {"extra": None})
            assert recording.order[-2:] == [("port downstream", frame), ("on_ui_message", frame)]
            assert client.answers(id_) == []


@pytest.mark.parametrize("data", [None, {}, {"tree": None}, {"tree": []}, {"tree": {}}, {"tree": {"root": "x"}}])
async def test_what_is_no_snapshot_is_refused_and_not_kept(data: Any) -> None:
    async with session() as client:
        await client.send("ui-snapshot", {"tree": tree("button")})
        refusal = await client.refused("ui-snapshot", data)
        assert refusal.text == "Invalid message: tree: expected object with root"
        assert client.processor.session.snapshot == tree("button")


async def test_a_snapshot_may_come_first() -> None:
    async with session(ready=False) as client:
        await client.send("ui-snapshot", {"tree": tree("button")})
        await client.ready()
        await client.settle()
        assert client.processor.session.snapshot == tree("button")
        assert client.told("error") == []


# -- commands ---------------------------------------------------------------------------------------------------------

LEAST: dict[str, Any] = {"toast": {"title": "t"}, "navigate": {"view": "v"}, "set_input_value": {"value": ""}}
"""The smallest payloads of the standard commands that need one."""


@pytest.mark.parametrize("name", STANDARD_COMMANDS)
async def test_standard_commands_are_checked_and_sent(name: str) -> None:
    async with session() as client:
        least = LEAST.get(name)
        if least is not None:
            assert "missing" in str(await raised(client.processor.ui_command(name, {})))
        await client.processor.ui_command(name, least)
        own = {"of_the_application": None}  # what is not named is the application's own
        await client.processor.ui_command(name, (least or {}) | own)
        assert client.data("ui-command") == [
            {"command": name, "payload": least or {}},
            {"command": name, "payload": (least or {}) | own},
        ]
        assert isinstance(await raised(client.processor.ui_command(name, "text")), ValueError)


NOTHING_FITS = [
    ("show_map", {"room": 7}, "'show_map' does not fit: room:"),
    ("show_map", None, "'show_map' does not fit"),
    ("show_mpa", {"room": "x"}, "did you mean 'show_map'?"),
    ("highlight", {"duration_ms": 1.5}, ": duration_ms: "),
    ("set_input_value", {"value": None}, ": value: "),
    ("toast", {"title": {1, 2}}, ": title: "),
]


@pytest.mark.parametrize(("name", "payload", "text"), NOTHING_FITS, ids=[f"{n}-{p}" for n, p, _ in NOTHING_FITS])
async def test_a_command_that_does_not_fit_is_the_plugins_error(name: str, payload: Any, text: str) -> None:
    async with session() as client:
        error = await raised(client.processor.ui_command(name, payload))
        assert isinstance(error, ValueError | TypeError)
        assert text in str(error)
        assert client.told("ui-") == []


async def test_a_bot_that_declares_no_command_may_send_any() -> None:
    async with session(make()) as client:
        await client.processor.ui_command("dance", [1, 2])
        assert client.data("ui-command") == [{"command": "dance", "payload": [1, 2]}]
        assert isinstance(await raised(client.processor.ui_command("toast", {})), ValueError)


async def test_legacy_clients_hear_no_commands() -> None:
    async with session(version=None) as client:
        await client.processor.ui_command("show_map", {"room": "x"})
        assert client.told("ui-") == []


@pytest.mark.parametrize("reason", [{}, {"reason": None}, {"reason": "bored"}])
async def test_cancelling_a_group_that_is_not_there_is_passed_over(reason: dict[str, Any]) -> None:
    async with session(made()) as client:
        id_ = await client.send("ui-cancel-job-group", {"job_id": "nobody"} | reason)
        await client.settle()
        assert client.answers(id_) == []
        assert (await client.refused("ui-cancel-job-group", {"reason": "x"})).code == "invalid-message"
        assert (await client.refused("ui-cancel-job-group", {"job_id": 7})).code == "invalid-message"
