"""Sound; the manifest names a function like its action."""

from rtvi_plugins import Handlers, hookimpl

atlas = Handlers("map")


@atlas.action("show")
async def show(processor):
    pass


@hookimpl
def rtvi_handlers():
    return [atlas]
