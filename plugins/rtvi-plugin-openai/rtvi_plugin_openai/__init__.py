"""The responder `openai`: a model behind any OpenAI-compatible endpoint answers the user and may call the bot's tools.

The library `openai` takes a second to import, so it is imported when a bot really uses this responder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtvi_plugin_openai.responder import OpenAIResponder, forget
from rtvi_plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtvi_plugins import Responder, RTVIProcessor

__all__ = ["OpenAIResponder"]


@hookimpl
def rtvi_responders() -> Mapping[str, type[Responder]]:
    """Supply the responder `openai`."""
    return {"openai": OpenAIResponder}


@hookimpl
async def rtvi_session_ended(processor: RTVIProcessor) -> None:
    """Drop the session's context; with the last session of a bot go its connections."""
    await forget(processor)
