"""The devices of a room and its scenes: plain state, no messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

DEVICES: Final = ("lamp", "curtains", "thermostat", "tv")
"""The devices, as `room.yaml` names them."""

SCENES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "day": {"lamp": False, "curtains": True, "thermostat": True, "tv": False, "celsius": 21},
        "evening": {"lamp": True, "curtains": False, "thermostat": True, "tv": False, "celsius": 22},
        "night": {"lamp": False, "curtains": False, "thermostat": True, "tv": False, "celsius": 18},
    }
)
"""Scene → where it wants every device; `celsius` is the thermostat's setting."""


class Room:
    """The devices of one session, all off at first.

    curtain_orders: how many orders the curtains were given; a moving motor sees by it that it was overridden.
    Methods that change devices give the names of those that changed, in the order of `DEVICES`.
    """

    def __init__(self) -> None:
        self._on = dict.fromkeys(DEVICES, False)
        self._celsius: float = 21
        self.curtain_orders = 0

    def is_on(self, device: str) -> bool:
        """Whether a device is on; for curtains, open."""
        return self._on[device]

    def switch(self, device: str, *, on: bool) -> tuple[str, ...]:
        """Switch one device."""
        if device == "curtains":
            self.curtain_orders += 1
        if self._on[device] is on:
            return ()
        self._on[device] = on
        return (device,)

    def heat(self, celsius: float) -> tuple[str, ...]:
        """Set the thermostat and switch it on."""
        is_new = celsius != self._celsius
        self._celsius = celsius
        return self.switch("thermostat", on=True) or (("thermostat",) if is_new else ())

    def play(self, scene: str) -> tuple[str, ...]:
        """Bring every device to where a scene wants it."""
        wanted = SCENES[scene]
        is_warmer_or_cooler = wanted["celsius"] != self._celsius
        self._celsius = wanted["celsius"]
        changed = {device for name in DEVICES for device in self.switch(name, on=wanted[name])}
        if is_warmer_or_cooler:
            changed.add("thermostat")
        return tuple(device for device in DEVICES if device in changed)

    def describe(self, device: str) -> dict[str, Any]:
        """Give one device as `{device, on}`, with `celsius` for the thermostat."""
        described: dict[str, Any] = {"device": device, "on": self._on[device]}
        return described | {"celsius": self._celsius} if device == "thermostat" else described

    def state(self) -> dict[str, Any]:
        """Give all devices: device → on, and `celsius`."""
        return {**self._on, "celsius": self._celsius}
