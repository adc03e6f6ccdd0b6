"""Two hooks that nobody would ever call."""

from rtvi_plugins import Handlers, hookimpl

sauna = Handlers("sauna")


@sauna.option("heat")
async def heat(processor, service, option):
    pass


@hookimpl
def rtvi_handler():
    return [sauna]


def rtvi_session_started(processor):
    processor.session.state["sauna"] = {}
