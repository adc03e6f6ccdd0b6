"""What was said in one session, bounded in turns and in text."""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

MAX_TURNS: Final = 200
"""Older turns are dropped. `limit` in conversation.yaml has the same maximum."""

MAX_TEXT: Final = 4_000
"""Characters kept of one turn: some four minutes of speech, so that 200 turns stay under 4 MB a session."""

Role = Literal["user", "bot"]


class History:
    """The last turns of a conversation, oldest first."""

    def __init__(self) -> None:
        self._turns: deque[tuple[Role, str]] = deque(maxlen=MAX_TURNS)

    def add(self, role: Role, text: str) -> None:
        """Append one turn; a longer text is cut and ends in an ellipsis, an empty one is not a turn."""
        if text.strip():
            self._turns.append((role, text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"))

    def last(self, limit: int) -> list[dict[str, str]]:
        """Give the last `limit` turns (1 or more) as `{role, text}`, oldest first."""
        return [{"role": role, "text": text} for role, text in list(self._turns)[-limit:]]

    def clear(self) -> bool:
        """Forget everything; true when there was something."""
        had_turns = bool(self._turns)
        self._turns.clear()
        return had_turns
