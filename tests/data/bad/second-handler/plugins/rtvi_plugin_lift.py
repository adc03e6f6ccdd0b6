"""A copied decorator."""

from rtvi_plugins import Handlers, hookimpl

lift = Handlers("lift")
app = Handlers()


@lift.action("call")
async def call(processor, *, floor: int):
    pass


@lift.action("call")
async def stop(processor, *, floor: int):
    pass


@app.message("alarm")
async def alarm(processor, data):
    pass


@app.message("alarm")
async def alarm_again(processor, data):
    pass


@hookimpl
def rtvi_handlers():
    return [lift, app]
