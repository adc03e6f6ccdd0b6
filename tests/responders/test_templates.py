from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins.responders.templates import read_template

VALUES: dict[str, Any] = {
    "device": "Lamp",
    "result": {"items": [{"title": "Spa"}], "none": None, "empty": [], "n": 2.5, "yes": True, "names": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The {device} is on.", ("The Lamp is on.", True)),
        ("{result.items.0.title}!", ("Spa!", True)),
        ("{result.n} {result.yes}", ("2.5 true", True)),
        ("{result.names}", ("a, b", True)),
        ("{result.items}", ('[{"title": "Spa"}]', True)),
        ("{{{device}}}", ("{Lamp}", True)),
        ("no braces", ("no braces", True)),
        ("a {result.absent} b", ("a  b", False)),
        ("{result.items.1.title}", ("", False)),
        ("{result.items.-1}", ("", False)),
        ("{result.items.title}", ("", False)),
        ("{result.none}", ("", False)),
        ("{result.none.deeper}", ("", False)),
        ("{result.empty}", ("", False)),
        ("{result.n.0}", ("", False)),
        ("{device.0}", ("", False)),
        ("{absent}", ("", False)),
    ],
)
def test_fill(text: str, expected: tuple[str, bool]) -> None:
    template, faults = read_template(text)
    assert faults == ()
    assert template.fill(VALUES) == expected


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("a {", ["'{' has no partner; write '{{' for the character itself"]),
        ("a } b", ["'}' has no partner; write '}}' for the character itself"]),
        ("{}", ["'{}' is not a placeholder; expected {name} or {result.path}"]),
        (
            "{a b} {result..x}",
            [
                "'{a b}' is not a placeholder; expected {name} or {result.path}",
                "'{result..x}' is not a placeholder; expected {name} or {result.path}",
            ],
        ),
    ],
)
def test_faults(text: str, faults: list[str]) -> None:
    assert list(read_template(text)[1]) == faults
