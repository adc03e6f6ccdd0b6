"""Text from JSON may hold halves of UTF-16 surrogate pairs, which no UTF-8 wire takes."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """Join halves that belong together; others become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class PieceJoiner:
    """Makes streamed pieces of text well formed: a first half at the end of one waits for the next."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        """Give what can be said by now."""
        text = self._held + piece
        self._held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return well_formed(text[: len(text) - len(self._held)])

    def rest(self) -> str:
        """Give what was held back at the end."""
        held, self._held = self._held, ""
        return well_formed(held)
