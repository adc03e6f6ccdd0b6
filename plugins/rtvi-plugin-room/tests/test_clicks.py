"""The UI event `room_clicked`, with a processor made by hand: the event needs no manifest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rtvi_plugin_room import STATE, room_clicked, rtvi_session_ended, rtvi_session_started

from rtvi_plugins import RTVIProcessor
from rtvi_plugins.testing import MemoryPort

CLICKS = [
    pytest.param({"device": "lamp"}, {"device": "lamp", "on": True}, id="off-to-on"),
    pytest.param({"device": "curtains"}, {"device": "curtains", "on": False}, id="on-to-off"),
    pytest.param(
        {"device": "thermostat", "x": 3}, {"device": "thermostat", "on": False, "celsius": 21}, id="more-keys"
    ),
    pytest.param({"device": "minibar"}, None, id="unknown-device"),
    pytest.param({"device": ["lamp"]}, None, id="no-name"),
    pytest.param({}, None, id="empty"),
    pytest.param("lamp", None, id="no-object"),
    pytest.param(None, None, id="nothing"),
]


@pytest.mark.parametrize(("payload", "told"), CLICKS)
def test_a_click_switches_over(payload: Any, told: dict[str, Any] | None) -> None:
    messages: list[Any] = []

    async def run() -> None:
        processor = RTVIProcessor(port=MemoryPort(messages.append))
        rtvi_session_started(processor)
        await room_clicked(processor, payload)
        rtvi_session_ended(processor)
        assert STATE not in processor.session.state

    asyncio.run(run())
    assert [message["data"] for message in messages] == ([] if told is None else [{"event": "device-changed", **told}])
