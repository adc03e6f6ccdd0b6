"""The taxi."""

from rtvi_plugins import Handlers, hookimpl

taxi = Handlers("taxi")


@taxi.action("order")
async def order(processor) -> bool:
    return True


@hookimpl
def rtvi_handlers():
    return [taxi]
