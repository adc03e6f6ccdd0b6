"""The stage `espeak` for Pipecat pipelines: text to speech by espeak-ng, on this machine.

Neither Pipecat nor espeak-ng is imported before a bot with a pipeline asks for the stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtvi_plugins import hookimpl


@hookimpl
def rtvi_stages() -> Mapping[str, Any]:
    """Supply the stage `espeak`."""
    from rtvi_plugin_espeak.stage import ESpeakTTSService  # noqa: PLC0415 - Pipecat takes a second to import

    return {"espeak": ESpeakTTSService}
