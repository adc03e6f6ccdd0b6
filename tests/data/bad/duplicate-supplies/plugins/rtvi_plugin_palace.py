"""It ships a service and has a responder of a built-in name."""

from pathlib import Path

from rtvi_plugins import hookimpl


class Critic:
    """Answers everything."""

    settings_schema = {"type": "object"}

    def __init__(self, settings, bot):
        pass

    async def respond(self, processor, text):
        yield "Hm."


@hookimpl
def rtvi_manifests():
    return {"cinema": Path(__file__).parent / "cinema.yaml"}


@hookimpl
def rtvi_responders():
    return {"echo": Critic}
