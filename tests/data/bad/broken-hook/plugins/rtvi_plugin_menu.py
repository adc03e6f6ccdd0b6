"""A hook that fails when it is called."""

from pathlib import Path

from rtvi_plugins import Handlers, hookimpl

menu = Handlers("menu")


@menu.action("dishes")
async def dishes(processor) -> list[str]:
    return []


@hookimpl
def rtvi_handlers():
    if not Path("/etc/menu-of-the-day.txt").exists():
        raise RuntimeError("no menu of the day")
    return [menu]
