"""Another one."""

from rtvi_plugins import Handlers, hookimpl

piano = Handlers("piano")
app = Handlers()


@piano.option("tempo")
async def tempo(processor, service, option):
    pass


@app.message("applause")
async def applause(processor, data):
    pass


@hookimpl
def rtvi_handlers():
    return [piano, app]
