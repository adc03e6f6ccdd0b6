"""`echo`: says what the user said."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from types import MappingProxyType
from typing import Any

from rtvi_plugins.responders.pieces import pieces


class EchoResponder:
    """Answers the user's text back, word by word, after an optional prefix."""

    settings_schema: Mapping[str, Any] = MappingProxyType(
        {
            "type": "object",
            "description": "Settings of the responder 'echo'.",
            "properties": {
                "prefix": {
                    "type": "string",
                    "default": "",
                    "description": "Said before the user's text, exactly as written: mind the space at its end.",
                },
            },
            "additionalProperties": False,
        }
    )

    def __init__(self, settings: Mapping[str, Any], bot: Any) -> None:
        del bot  # it needs nothing of the bot
        self._prefix: str = settings.get("prefix", "")

    async def respond(self, processor: Any, text: str) -> AsyncGenerator[str, None]:
        """Give the prefix and the text; raises nothing."""
        del processor
        for piece in pieces(self._prefix + text):
            yield piece
