"""Whatever is written, the check never raises; what it finds no fault in compiles and means one thing everywhere."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rtvi_plugins.schema import ArgumentSource, check, check_document, compile_arguments, compile_value

KEYS = """type $ref $id $defs items properties pattern enum anyOf not $anchor $dynamicRef minimum required x-a foo A a
patternProperties $schema dependencies const unevaluatedProperties""".split()  # noqa: SIM905 - reads better than a list
LEAVES: list[Any] = [
    None,
    True,
    False,
    1,
    1.5,
    "string",
    "bool",
    "null",
    "array",
    "#",
    "#/$defs/A",
    "#/$defs/A/items",
    "a",
]
LEAVES += ["http://x/y", "(", "[", "%zz", "#a", "urn:x", "//[x", "\x00", "a b", "rtvi://schema/value", "#/properties"]
VALUES: list[Any] = [1, "x", [], {}, None, {"a": 1}, ["x"], {"a": {"a": []}}]


def any_document(source: random.Random, depth: int) -> Any:
    dice = source.random()
    if depth == 0 or dice < 0.35:
        return source.choice(LEAVES)
    if dice < 0.5:
        return [any_document(source, depth - 1) for _ in range(source.randint(0, 3))]
    return {source.choice(KEYS): any_document(source, depth - 1) for _ in range(source.randint(0, 4))}


@pytest.mark.parametrize("seed", range(8))
def test_any_document(seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - a repeatable choice of cases, no secret
    good = 0
    for _ in range(600):
        document = any_document(source, 4)
        shared = {"A": any_document(source, 3)} if source.random() < 0.5 else {}
        faults = check_document(document, shared)
        if faults or any(check_document(definition, shared) for definition in shared.values()):
            continue
        good += 1
        alone = compile_value(document, shared)
        together = compile_arguments({name: ArgumentSource(document) for name in ("v", "w")}, shared)
        for value in VALUES:
            answer = alone.is_valid(value)
            assert together.is_valid({"v": value, "w": value}) is answer, (document, shared, value)
            assert (not check(alone, value)) is answer, (document, shared, value)
    assert good > 10
