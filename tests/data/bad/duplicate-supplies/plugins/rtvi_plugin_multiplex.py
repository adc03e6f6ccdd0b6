"""It ships a service of the same name."""

from pathlib import Path

from rtvi_plugins import hookimpl


@hookimpl
def rtvi_manifests():
    return {"cinema": Path(__file__).parent / "cinema.yaml"}
