"""Numbers as English words, for those that phrases write in digits."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = re.compile(r"(-?)([0-9]{1,6})(?:\.([0-9]{1,6}))?")
_SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def spell(text: str) -> tuple[str, ...] | None:
    """Give the words of a number: `21.5` → twenty one point five. None for what is no number below a million."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction = match.groups()
    words = ["minus"] if sign else []
    words += _spell(int(whole))
    if fraction:
        words += ["point", *(_SMALL[int(digit)] for digit in fraction)]
    return tuple(words)


def _spell(number: int) -> list[str]:
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = _spell(number % size) if number % size else []
            return [*_spell(number // size), name, *rest]
    if number < len(_SMALL):
        return [_SMALL[number]]
    return [_TENS[number // 10 - 2], *([_SMALL[number % 10]] if number % 10 else [])]
