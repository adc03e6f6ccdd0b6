"""What environment variables hold is never told: problems name the variable and its place instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from rtvi_plugins.errors import Problem
from rtvi_plugins.manifest.paths import KeyPath, dotted, printable, shown
from rtvi_plugins.manifest.source import Filled, Source

_SPEAKS_OF_NO_VALUE: Final = frozenset(
    {"bad-auth", "bad-default", "bad-env", "missing-handler", "missing-key", "too-large", "unset-env", "wrong-type"}
)
"""Slugs whose texts hold no value: they stand, with the variable behind them."""
_SHORTEST: Final = 4
"""Shorter values are hidden at their own place only; elsewhere they would blot out ordinary text."""
_LONG: Final = 8
_SUGGESTION: Final = re.compile(r"; did you mean '[^']*'\?")


def veil(problem: Problem, source: Source, path: KeyPath) -> Problem:
    """Return a problem about a path of a manifest without what came from the environment.

    path: of the value it is about; where it is about a key, of the mapping.
    """
    if not source.filled:
        return problem
    at = next((path[:length] for length in range(len(path) + 1) if path[:length] in source.filled), None)
    if at is not None and source.filled[at].names:
        problem = _of_variable(problem, at, source.filled[at])
    return scrub(problem, source)


def _of_variable(problem: Problem, at: KeyPath, filled: Filled) -> Problem:
    names = list(dict.fromkeys(filled.names))
    who = f"environment variable{'s' if len(names) > 1 else ''} {' and '.join(map(shown, names))}"
    if problem.slug in ("bad-env", "unset-env"):
        text = problem.text
    elif problem.slug in _SPEAKS_OF_NO_VALUE:
        text = f"{_SUGGESTION.sub('', problem.text)} (from {who})"
    else:
        text = f"what comes from {who} does not fit here"
    return replace(problem, text=text, where=dotted(at), hint="")


def scrub(problem: Problem, source: Source) -> Problem:
    """Return a problem in which the values of variables are replaced by their references, wherever they stand.

    What the files say themselves is no secret.
    """
    for value, name in _values(source):
        problem = hide(problem, value, f"${{env:{name}}}")
    return problem


def hide(problem: Problem, value: str, stand_in: str) -> Problem:
    """Return a problem with a value replaced in all its texts."""
    pattern = re.escape(value)
    if len(value) < _LONG:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    hidden = re.compile(pattern)

    def without(text: str) -> str:
        return hidden.sub(lambda _: stand_in, text)

    location = problem.location
    if value in location.path:
        location = replace(location, path=without(location.path))
    if not any(value in text for text in (problem.text, problem.expected, problem.hint)):
        return problem if location is problem.location else replace(problem, location=location)
    return replace(
        problem,
        text=without(problem.text),
        expected=without(problem.expected),
        hint=without(problem.hint),
        location=location,
    )


def _values(source: Source) -> list[tuple[str, str]]:
    """List the values to hide, each with its variable, the longest first."""
    found: dict[str, str] = {}
    for path, filled in source.filled.items():
        for name, value in zip(filled.names, filled.values, strict=True):
            found.setdefault(value, name)
            found.setdefault(printable(value), name)
        if filled.is_whole and filled.names:
            for text in _leaves(_at(source.value, path)):
                found.setdefault(text, filled.names[0])
    if not any(len(value) >= _SHORTEST for value in found):
        return []
    written = set(_written(source.value, source.filled, ()))
    kept = ((value, name) for value, name in found.items() if len(value) >= _SHORTEST and value not in written)
    return sorted(kept, key=lambda pair: -len(pair[0]))


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _leaves(value: Any) -> Iterator[str]:
    """Give the texts and numbers of a value, names of properties too, as problems may write them."""
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            yield from here
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)
        elif isinstance(here, str):
            yield here
        elif not isinstance(here, bool) and here is not None:
            yield str(here)


def _written(value: Any, filled: Mapping[KeyPath, Filled], path: KeyPath) -> Iterator[str]:
    """Give the texts and keys that stand in the files themselves."""
    if path in filled:
        return
    if isinstance(value, dict):
        yield from value
        for key, item in value.items():
            yield from _written(item, filled, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _written(item, filled, (*path, index))
    elif isinstance(value, str):
        yield value
