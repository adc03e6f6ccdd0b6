"""Every hook gives the wrong thing."""

from pathlib import Path

from rtvi_plugins import Handlers, hookimpl

gym = Handlers("gym")


@gym.option("music")
async def music(processor, service, option):
    pass


class Shouter:
    """It has no settings_schema."""

    def __init__(self, settings, bot):
        pass

    async def respond(self, processor, text):
        return text.upper()


def audit(call, call_next):
    return call_next(call)


@hookimpl
def rtvi_handlers():
    return gym


@hookimpl
def rtvi_manifests():
    return {"gym": Path(__file__).parent / "gym.yaml", "gym 2": "gym.yaml"}


@hookimpl
def rtvi_responders():
    return {"shout": Shouter}


@hookimpl
def rtvi_middleware():
    return [audit]


@hookimpl
async def rtvi_session_ended(session, reason):
    pass
