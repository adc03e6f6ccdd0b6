"""Sound; the rules are not."""

from rtvi_plugins import Handlers, hookimpl

blinds = Handlers("blinds")


@blinds.action("set")
async def set_(processor, *, which: str, height: float):
    pass


@hookimpl
def rtvi_handlers():
    return [blinds]
