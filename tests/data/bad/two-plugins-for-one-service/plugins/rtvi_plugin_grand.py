"""One that plays the piano."""

from rtvi_plugins import Handlers, hookimpl

piano = Handlers("piano")
app = Handlers()


@piano.action("play")
async def play(processor):
    pass


@app.message("applause")
async def applause(processor, data):
    pass


@hookimpl
def rtvi_handlers():
    return [piano, app]
