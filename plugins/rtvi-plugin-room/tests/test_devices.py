"""The devices and scenes without a bot."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml
from rtvi_plugin_room.devices import DEVICES, SCENES, Room


def test_a_switch_tells_whether_it_changed_something() -> None:
    room = Room()
    assert room.switch("lamp", on=True) == ("lamp",)
    assert room.switch("lamp", on=True) == ()
    assert room.is_on("lamp")


@pytest.mark.parametrize(
    ("before_on", "before", "celsius", "changed"),
    [
        pytest.param(False, 21, 21, ("thermostat",), id="switched-on"),
        pytest.param(False, 21, 24.5, ("thermostat",), id="switched-on-and-warmer"),
        pytest.param(True, 21, 24.5, ("thermostat",), id="warmer"),
        pytest.param(True, 21, 21.0, (), id="as-before"),
    ],
)
def test_heat(before_on: bool, before: float, celsius: float, changed: tuple[str, ...]) -> None:
    room = Room()
    room.heat(before)
    room.switch("thermostat", on=before_on)
    assert room.heat(celsius) == changed
    assert room.describe("thermostat") == {"device": "thermostat", "on": True, "celsius": celsius}


@pytest.mark.parametrize(
    ("first", "then", "changed"),
    [
        pytest.param("day", "evening", ("lamp", "curtains", "thermostat"), id="day-evening"),
        pytest.param("evening", "night", ("lamp", "thermostat"), id="evening-night"),
        pytest.param("night", "day", ("curtains", "thermostat"), id="night-day"),
        pytest.param("night", "night", (), id="again"),
    ],
)
def test_scenes_change_only_what_differs(first: str, then: str, changed: tuple[str, ...]) -> None:
    room = Room()
    room.play(first)
    assert room.play(then) == changed
    assert room.state() == dict(SCENES[then])


def test_every_order_for_the_curtains_counts_even_without_effect() -> None:
    room = Room()
    room.switch("lamp", on=True)
    assert room.curtain_orders == 0
    room.switch("curtains", on=False)
    room.play("night")
    assert room.curtain_orders == 2


def test_the_shipped_manifest_names_the_same_devices_and_scenes() -> None:
    shipped: Any = yaml.safe_load((files("rtvi_plugin_room") / "room.yaml").read_text(encoding="utf-8"))
    assert tuple(shipped["actions"]["set_device"]["arguments"]["device"]["enum"]) == DEVICES
    assert shipped["options"]["scene"]["enum"] == list(SCENES)
