"""A plugin with its own share."""

from rtvi_plugins import Handlers, hookimpl

laundry = Handlers("laundry")


@laundry.option("starch")
async def starch(processor, value):
    pass


@laundry.action("collect")
async def collect(processor, *, room: str, when: str = "now"):
    pass


@laundry.action("fold")
async def fold(processor):
    pass


@hookimpl
def rtvi_handlers():
    return [laundry]


@hookimpl
def rtvi_midleware():
    return []
