"""What it ships was never tried."""

from pathlib import Path

from rtvi_plugins import Handlers, hookimpl

museum = Handlers("museum")


@museum.action("guide")
async def guide(processor):
    pass


@hookimpl
def rtvi_handlers():
    return [museum]


@hookimpl
def rtvi_manifests():
    return {"museum": Path(__file__).parent / "museum.yaml"}
