"""Whose option is this?"""

from rtvi_plugins import Handlers, hookimpl

pool = Handlers()


@pool.option("temperature")
async def temperature(processor, service, option):
    pass


@hookimpl
def rtvi_handlers():
    return [pool]
