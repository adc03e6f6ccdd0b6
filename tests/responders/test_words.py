from __future__ import annotations

import pytest

from rtvi_plugins.responders.words import keys


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Turn ON the Lamp!", ("turn", "on", "the", "lamp")),
        ("set 21.5, please.", ("set", "21.5", "please")),
        ("-5 (+3) .5 -.5 50%", ("-5", "+3", ".5", "-.5", "50")),
        ("well - yes -- 'no' …", ("well", "yes", "no")),
        ("What\u2019s the wi-fi?", ("what's", "the", "wi-fi")),
        ("STRASSE straße", ("strasse", "strasse")),
        ("C++ 🙂", ("c++", "🙂")),
        (" \t\n", ()),
        ("¿Dónde está?", ("dónde", "está")),
    ],
    ids=["case", "number", "signs", "punctuation alone", "inside", "folded", "symbols", "nothing", "other languages"],
)
def test_keys(text: str, expected: tuple[str, ...]) -> None:
    assert keys(text) == expected
