"""One response of the model while it is streamed: its text, its tool calls, and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from rtvi_plugins.llm.calls import CallAssembler, ToolCall
from rtvi_plugins.llm.text import PieceJoiner

MAX_CHARACTERS: Final = 1_000_000
"""Text and arguments of one response: far above any model's longest, so that a provider gone mad cannot fill memory."""


class TooLongError(Exception):
    """The response went beyond `MAX_CHARACTERS`."""


class Reply:
    """Takes the chunks of one response. The library does not check them, so everything here may be of any type.

    finish_reason: why the model stopped, as the provider says it; None until it does.
    is_empty:      no chunk at all came: what answered was no stream of chat completions.
    """

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.is_empty = True
        self._calls = CallAssembler()
        self._joiner = PieceJoiner()
        self._characters = 0

    def take(self, chunk: Any) -> str:
        """Take one chunk and give the text it brings, often none. Raises TooLongError."""
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            return ""
        self.is_empty = False
        choice = next((one for one in choices if getattr(one, "index", 0) in (0, None)), None)  # none: usage, filters
        reason = getattr(choice, "finish_reason", None)
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        delta = getattr(choice, "delta", None)
        calls = getattr(delta, "tool_calls", None)
        for call in calls if isinstance(calls, list) else ():
            self._characters += self._calls.add(call)
        # A refusal is the model's own answer in its own words; the user gets to read it like any other.
        text = _plain(getattr(delta, "content", None)) + _plain(getattr(delta, "refusal", None))
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise TooLongError
        return self._joiner.add(text)

    def rest(self) -> str:
        """Give the last text, once no chunk will follow."""
        return self._joiner.rest()

    @property
    def has_calls(self) -> bool:
        """Whether the model began to ask for tools."""
        return bool(self._calls)

    @property
    def dropped_calls(self) -> int:
        """How many calls were too many."""
        return self._calls.dropped

    def calls(self, taken: Collection[str]) -> tuple[ToolCall, ...]:
        """Give the calls; ids in `taken` are not used again."""
        return self._calls.calls(taken)


def _plain(content: Any) -> str:
    """Give the text of a `content`: text, or with some providers a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part for part in parts if isinstance(part, str))
    return ""
