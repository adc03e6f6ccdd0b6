"""How long speech takes, from its words and the rate."""

from __future__ import annotations

import re
from typing import Final

# A word may hold apostrophes and hyphens: "don't" and "well-known" are spoken as one.
_WORD: Final = re.compile(r"\w+(?:['\u2019-]\w+)*")


def speaking_seconds(text: str, rate: float) -> float:
    """Estimate how long `text` takes to speak, in seconds, to the hundredth.

    rate: words per minute, above 0. Text of a script that puts no space between words counts as few, long words.
    """
    words = len(_WORD.findall(text))
    return round(words * 60 / rate, 2)
