"""A plugin of the future."""

from rtvi_plugins import Handlers, hookimpl

spa = Handlers("spa")


@spa.action("book")
async def book(processor) -> bool:
    return True


@hookimpl
def rtvi_handlers():
    return [spa]
