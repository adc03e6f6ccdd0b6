"""Messages on their way through a pipeline."""

from __future__ import annotations

from typing import Any, Final

_SHOWN: Final = 100


class Carried(dict[str, Any]):
    """A message that stages pass on: a dict, which says of itself only what kind of message it is.

    Pipecat writes each frame out whenever it is pushed, whether that is logged or not: of a message of a megabyte that
    takes longer than everything else that is done with it.

    length: bytes of the JSON text that it was read from, by us and within the bounds of every message.
    size:   bytes that it takes, about.
    """

    __slots__ = ("length", "size")

    def __init__(self, message: dict[str, Any], length: int, size: int) -> None:
        super().__init__(message)
        self.length = length
        self.size = size

    def __repr__(self) -> str:
        shown = {key: str(self[key])[:_SHOWN] for key in ("label", "type", "id") if isinstance(self.get(key), str)}
        return f"{shown!r} and {len(self) - len(shown)} more"
