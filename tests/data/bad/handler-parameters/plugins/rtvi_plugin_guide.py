"""Parameters that do not fit the arguments."""

from rtvi_plugins import Handlers, hookimpl

guide = Handlers("guide")


@guide.action("search")
async def search(processor, *, qeury: str, limit: int):
    pass


@guide.action("browse")
async def browse(processor):
    pass


@guide.action("rate")
async def rate(processor, *, stars: int, comment: str):
    pass


@guide.action("share")
async def share(processor, *, withwhom: str):
    pass


@guide.action("open")
async def open_(processor, *, page: int, chapter: int, pgae: int = 0):
    pass


@hookimpl
def rtvi_handlers():
    return [guide]
