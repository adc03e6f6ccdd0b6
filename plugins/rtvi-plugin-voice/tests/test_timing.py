"""How long speech takes."""

from __future__ import annotations

import pytest
from rtvi_plugin_voice.timing import speaking_seconds

CASES = [
    pytest.param("", 175, 0.0, id="empty"),
    pytest.param(" ...! ", 175, 0.0, id="punctuation-only"),
    pytest.param("one", 60, 1.0, id="one-word-a-second"),
    pytest.param("Breakfast is served from seven until half past ten.", 240, 2.25, id="sentence"),
    pytest.param("don't well-known", 120, 1.0, id="apostrophe-and-hyphen-join"),
    pytest.param("dix-huit, çà  et\tlà\n", 60, 4.0, id="accents-and-white-space"),
    pytest.param("one two three", 97.5, 1.85, id="fractional-rate"),
]


@pytest.mark.parametrize(("text", "rate", "expected"), CASES)
def test_speaking_seconds(text: str, rate: float, expected: float) -> None:
    assert speaking_seconds(text, rate) == expected
