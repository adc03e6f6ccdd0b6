"""Near, but not the same names."""

from rtvi_plugins import Handlers, hookimpl

lights = Handlers("lights")


@lights.option("britghness")
async def brightness(processor, service, option):
    pass


@lights.action("dimm")
async def dim(processor):
    pass


@lights.action("party")
async def party(processor):
    pass


@hookimpl
def rtvi_handlers():
    return [lights]
