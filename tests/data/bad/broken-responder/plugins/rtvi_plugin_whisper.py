"""One responder cannot be made, the settings of the other one cannot be checked."""

from rtvi_plugins import hookimpl


class Whisper:
    settings_schema = {"type": "object"}

    def __init__(self, settings, bot):
        self.voice = settings["voice"]

    async def respond(self, processor, text):
        yield text.lower()


class Mumble:
    settings_schema = {"type": "object", "properties": {"words": {"type": "int"}}}

    def __init__(self, settings, bot):
        pass

    async def respond(self, processor, text):
        yield "mm"


@hookimpl
def rtvi_responders():
    return {"whisper": Whisper, "mumble": Mumble}
