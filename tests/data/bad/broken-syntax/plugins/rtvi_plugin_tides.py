"""A colon is missing."""

from rtvi_plugins import Handlers, hookimpl

tides = Handlers("tides")


@tides.action("next")
async def next_tide(processor) -> str
    return "at noon"


@hookimpl
def rtvi_handlers():
    return [tides]
