"""Handlers in no form that there is."""

from rtvi_plugins import Handlers, hookimpl

radio = Handlers("radio")
app = Handlers()


@radio.option("station")
async def station(processor, value):
    pass


@radio.option("volume")
async def volume(processor, service, option, *, fade: bool):
    pass


@radio.action("play")
async def play():
    pass


@radio.action("tune")
async def tune(processor, *arguments):
    pass


@radio.action("record")
async def record(processor, job, *, minutes: float):
    pass


@app.message("wish")
async def wish(data):
    pass


@hookimpl
def rtvi_handlers():
    return [radio, app]
