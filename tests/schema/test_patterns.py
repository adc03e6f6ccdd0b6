"""Patterns: which run in linear time, which are refused when they are declared, and what the others may spend."""

from __future__ import annotations

from typing import Any

import pytest

from rtvi_plugins.schema import Fault, check, check_document, compile_value
from rtvi_plugins.schema.patterns import TOO_LONG, shared_budget

AROUND = "looks around, `(?=`, `(?!`, `(?<=` or `(?<!`: it may take exponentially long"
BACK = "refers back to a group: it may take exponentially long"

REFUSED: list[tuple[str, str]] = [
    (r"(?=a)b", AROUND),
    (r"^(?!x)\w+$", AROUND),
    (r"(?<=a)b", AROUND),
    (r"(?<!a)b", AROUND),
    (r"(a)\1", BACK),
]


@pytest.mark.parametrize(("pattern", "reason"), REFUSED)
@pytest.mark.parametrize("lead", [(), ("items",), ("properties", "a"), ("anyOf", 0), ("propertyNames",)], ids=str)
def test_a_pattern_that_goes_back_is_refused_with_the_reason(
    pattern: str, reason: str, lead: tuple[str | int, ...]
) -> None:
    document: Any = {"pattern": pattern}
    for step in reversed(lead):
        document = [document] if isinstance(step, int) else {step: document}
    [fault] = check_document(document, {})
    assert fault.path == (*lead, "pattern")
    assert fault.text == f"the pattern '{pattern}' {reason}"
    assert "'x-backtracking: true' beside it" in fault.hint


@pytest.mark.parametrize(("pattern", "reason"), REFUSED)
def test_a_name_that_goes_back_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    [fault] = check_document({"patternProperties": {pattern: {}}}, {})
    assert fault.path == ("patternProperties", pattern)
    assert fault.text == f"the pattern '{pattern}' {reason}"
    assert "'propertyNames'" in fault.hint


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in REFUSED])
def test_it_is_allowed_one_by_one(pattern: str) -> None:
    assert check_document({"pattern": pattern, "x-backtracking": True}, {}) == ()
    allowed = {"items": {"pattern": pattern, "x-backtracking": True}, "contains": {"pattern": pattern}}
    assert [fault.path for fault in check_document(allowed, {})] == [("contains", "pattern")]


def test_the_permission_is_true_or_absent() -> None:
    [fault] = check_document({"pattern": "a", "x-backtracking": "yes"}, {})
    assert (fault.path, fault.expected) == (("x-backtracking",), "true")


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"^[a-z]{1,64}$", r"\d+-\w+", r"\p{L}+", "^(a|aa)+$"])
def test_other_patterns_need_no_permission(pattern: str) -> None:
    assert check_document({"pattern": pattern}, {}) == ()


def test_a_message_has_one_budget_for_all_its_texts() -> None:
    schema = compile_value({"items": {"pattern": "^(a|aa)+(?!b)$", "x-backtracking": True}})
    text = "a" * 25
    assert check(schema, [text] * 100) == ()
    with shared_budget() as budget:
        left = []
        for _ in range(3):
            assert check(schema, [text] * 1_000) == ()
            left.append(budget.left)
    assert left[0] - left[1] == left[1] - left[2] > 0


def test_a_spent_budget_refuses_whatever_comes_then() -> None:
    costly = compile_value({"pattern": r"(a|a|b)*\1c", "x-backtracking": True})
    cheap = compile_value({"pattern": "^x(?!y)", "x-backtracking": True})
    with shared_budget() as budget:
        assert check(costly, "ab" * 50) == (Fault("", TOO_LONG),)
        assert budget.is_spent
        assert check(cheap, "xz") == (Fault("", TOO_LONG),)
    assert check(cheap, "xz") == ()
