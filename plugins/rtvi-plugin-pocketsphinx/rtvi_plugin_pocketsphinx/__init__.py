"""The stage `pocketsphinx` for Pipecat pipelines: speech to text, on this machine, for the phrases a bot knows.

Neither Pipecat nor pocketsphinx is imported before a bot with a pipeline asks for the stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtvi_plugins import hookimpl


@hookimpl
def rtvi_stages() -> Mapping[str, Any]:
    """Supply the stage `pocketsphinx`."""
    from rtvi_plugin_pocketsphinx.stage import PocketSphinxSTTService  # noqa: PLC0415 - Pipecat takes a second to import

    return {"pocketsphinx": PocketSphinxSTTService}
