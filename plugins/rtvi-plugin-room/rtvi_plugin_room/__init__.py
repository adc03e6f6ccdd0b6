"""The service `room`: the devices of one hotel room, worked by clients, by the bot and by scenes.

Every change is told to the client as a server message `{"event": "device-changed", "device": …, "on": …}`, with
`celsius` for the thermostat. Each session has a room of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from rtvi_plugin_room.devices import DEVICES, Room
from rtvi_plugins import ActionError, Handlers, Job, RTVIProcessor, RTVIServiceOptionConfig, hookimpl

STATE: Final = "room"
"""Our key in `processor.session.state`; the value is the session's `Room`."""

STEPS: Final = (25, 50, 75, 100)
"""Per cent of the way at which the curtains report."""

HOUSEKEEPING: Final = ("airing", "bed", "bathroom", "towels")
"""What housekeeping does, in this order."""

logger = logging.getLogger(__name__)

room = Handlers("room", optional=True)
app = Handlers()


@room.option("scene")
async def set_scene(processor: RTVIProcessor, service: str, option: RTVIServiceOptionConfig) -> None:  # noqa: ARG001 - the form of option handlers
    """Bring every device to where the scene wants it."""
    here = _room(processor)
    await _announce(processor, here.play(option.value))


@room.action("set_device")
async def set_device(processor: RTVIProcessor, *, device: str, on: bool) -> bool:
    """Switch one device; true when that changed something. Curtains that are on are open."""
    changed = _room(processor).switch(device, on=on)
    await _announce(processor, changed)
    return bool(changed)


@room.action("set_temperature")
async def set_temperature(processor: RTVIProcessor, *, celsius: float) -> bool:
    """Set the thermostat, switching it on; true when that changed something."""
    changed = _room(processor).heat(celsius)
    await _announce(processor, changed)
    return bool(changed)


@room.action("state")
async def state(processor: RTVIProcessor) -> dict[str, Any]:
    """Give the state of every device."""
    return _room(processor).state()


@room.action("open_curtains")
async def open_curtains(processor: RTVIProcessor, *, seconds: float) -> bool:
    """Run the motor until the curtains are open; false when they were open already.

    seconds: how long the motor takes from closed to open.
    Sends:   `{"event": "device-moving", "device": "curtains", "percent": 25}` and so on up to 100.
    Errors:  `ActionError` `overridden` when another order for the curtains came meanwhile; theirs counts.
    """
    here = _room(processor)
    if here.is_on("curtains"):
        return False
    order = here.curtain_orders
    for percent in STEPS:
        await asyncio.sleep(seconds / len(STEPS))
        if here.curtain_orders != order:
            raise ActionError("the curtains were given another order meanwhile", code="overridden")
        await processor.send_server_message({"event": "device-moving", "device": "curtains", "percent": percent})
    await _announce(processor, here.switch("curtains", on=True))
    return True


@room.action("make_up")
async def make_up(processor: RTVIProcessor, job: Job, *, seconds: float) -> list[str]:  # noqa: ARG001 - as above
    """Have housekeeping make up the room; gives what was done, in order.

    seconds: how long all of it takes.
    Reports: `{"progress": 0.25, "doing": "airing"}` before each step and `{"progress": 1}` at the end.
    """
    for number, step in enumerate(HOUSEKEEPING):
        await job.update({"progress": number / len(HOUSEKEEPING), "doing": step})
        await asyncio.sleep(seconds / len(HOUSEKEEPING))
    await job.update({"progress": 1})
    return list(HOUSEKEEPING)


@app.event("room_clicked")
async def room_clicked(processor: RTVIProcessor, payload: Any) -> None:
    """Switch over the device that was clicked on the page: `{"device": "lamp"}`. Other clicks do nothing."""
    device = payload.get("device") if isinstance(payload, dict) else None
    if device not in DEVICES:
        logger.debug("room_clicked: no device in the payload")
        return
    here = _room(processor)
    await _announce(processor, here.switch(device, on=not here.is_on(device)))


def _room(processor: RTVIProcessor) -> Room:
    found: Room = processor.session.state[STATE]
    return found


async def _announce(processor: RTVIProcessor, changed: Iterable[str]) -> None:
    here = _room(processor)
    # All events are made before the first is sent: while one is on its way, another call may move the devices on.
    for event in [{"event": "device-changed", **here.describe(device)} for device in changed]:
        await processor.send_server_message(event)


@hookimpl
def rtvi_handlers() -> Iterable[Handlers]:
    """Supply the option `scene`, the actions and the UI event."""
    return [room, app]


@hookimpl
def rtvi_manifests() -> Mapping[str, Traversable]:
    """Ship the service for `use: room`."""
    return {"room": files(__name__) / "room.yaml"}


@hookimpl
def rtvi_session_started(processor: RTVIProcessor) -> None:
    """Prepare a room in the scene that the session begins with."""
    here = Room()
    here.play(processor.config.get("room", {}).get("scene", "day"))
    processor.session.state[STATE] = here


@hookimpl
def rtvi_session_ended(processor: RTVIProcessor) -> None:
    """Drop the room."""
    processor.session.state.pop(STATE, None)
