"""The manifest names the distribution, not the plugin."""

from rtvi_plugins import Handlers, hookimpl

door = Handlers("door")


@door.action("open")
async def open_(processor):
    pass


@hookimpl
def rtvi_handlers():
    return [door]
