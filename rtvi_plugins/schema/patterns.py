"""Regular expressions: matched in linear time where that can be, and else within a budget that a whole message shares.

Patterns are those of ECMA-262, as JSON Schema says. Look-around and back-references need an engine that goes back; each
text may then take exponentially long, and a list may hold many texts. What is spent on them is counted in steps times
characters, so that it is the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from rtvi_plugins.schema.keywords import Document, subschemas

ALLOWED: Final = "x-backtracking"
"""The key beside a `pattern` whose author accepts that it may take long."""

LINEAR: Final = jsonschema_rs.RegexOptions(size_limit=10 * 1024 * 1024, dfa_size_limit=2 * 1024 * 1024)
"""The engine that never goes back; what would make a larger automaton is no pattern that can be used."""

_STEPS: Final = (32, 1_000, 10_000, 100_000)
"""Steps back on one text: with the first few most are done, and only those few are paid for."""
_BUDGET: Final = 4_000_000
"""Steps times characters, for one message: some 20 ms."""
_AT_LEAST: Final = 16
"""Characters that a text counts as, however short."""
_CACHED: Final = 1_024

TOO_LONG: Final = "takes too long to compare with its pattern"
TOO_MUCH: Final = "holds too much text for patterns that look around or back"


class Budget:
    """What one message may spend. `is_spent`: something was not decided, so the whole is refused."""

    __slots__ = ("is_spent", "left")

    def __init__(self) -> None:
        self.left = _BUDGET
        self.is_spent = False

    def match(self, pattern: str, text: str) -> bool:
        """Return whether a text matches; False, and the budget spent, when that cannot be found out."""
        if not self.is_spent:
            for steps in _STEPS:
                self.left -= steps * (len(text) + _AT_LEAST)
                if self.left < 0:
                    break
                verdict = _matcher(pattern, steps)(text)
                if verdict is not None:
                    return verdict
            self.is_spent = True
        return False


_shared: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def shared_budget() -> Iterator[Budget]:
    """Have everything that is checked meanwhile, here and within, spend from one budget."""
    budget = _shared.get()
    if budget is not None:
        yield budget
        return
    token = _shared.set(budget := Budget())
    try:
        yield budget
    finally:
        _shared.reset(token)


@lru_cache(maxsize=_CACHED)
def is_linear(pattern: str) -> bool:
    """Return whether the linear engine takes a pattern."""
    return _compiles(pattern, LINEAR)


@lru_cache(maxsize=_CACHED)
def is_pattern(pattern: str) -> bool:
    """Return whether either engine takes a pattern; one whose automaton is too large is refused by both."""
    return is_linear(pattern) or _compiles(pattern, jsonschema_rs.FancyRegexOptions(backtrack_limit=1))


_BACKWARDS: Final = re.compile(r"\(\?<?[=!]")


def why_not_linear(pattern: str) -> str:
    """Say what in a pattern needs an engine that goes back."""
    return "looks around, `(?=`, `(?!`, `(?<=` or `(?<!`" if _BACKWARDS.search(pattern) else "refers back to a group"


def _compiles(pattern: str, engine: jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions) -> bool:
    try:
        _validator({"pattern": pattern}, engine)
    except ValueError:
        return False
    return True


def _validator(document: Document, engine: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(document, validate_formats=False, offline=True, pattern_options=engine)


@lru_cache(maxsize=_CACHED)
def _matcher(pattern: str, steps: int) -> Callable[[str], bool | None]:
    """Compile a pattern for so many steps; what it gives says None for a text that needs more."""
    machine = _validator({"pattern": pattern}, jsonschema_rs.FancyRegexOptions(backtrack_limit=steps))

    def match(text: str) -> bool | None:
        if machine.is_valid(text):
            return True
        error = next(iter(machine.iter_errors(text)))
        return None if isinstance(error.kind, Kind.BacktrackLimitExceeded | Kind.RegexEngineFailure) else False

    return match


class Backtracking:
    """The keyword that stands for `pattern` in a compiled document, where that pattern is not linear."""

    def __init__(self, _parent: dict[str, Any], pattern: Any, _path: list[str | int]) -> None:
        self._pattern = pattern if isinstance(pattern, str) else None

    def validate(self, instance: object) -> None:
        """Raise ValueError with our words for a text that does not match."""
        if self._pattern is None or not isinstance(instance, str):
            return
        with shared_budget() as budget:
            if not budget.match(self._pattern, instance):
                shown = self._pattern if len(self._pattern) <= 200 else f"{self._pattern[:200]}…"
                raise ValueError(TOO_LONG if budget.is_spent else f"must match the pattern '{shown}'")


def replace_backtracking(document: Document) -> bool:
    """Put our own keyword in the place of every pattern of a document that is not linear; True if there was one."""
    found = False
    for _, schema in subschemas(document):
        if isinstance(schema, dict):
            pattern = schema.get("pattern")
            schema.pop(ALLOWED, None)
            if isinstance(pattern, str) and not is_linear(pattern) and is_pattern(pattern):
                found = True
                del schema["pattern"]
                schema[ALLOWED] = pattern
    return found
