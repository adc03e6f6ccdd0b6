"""`${env:NAME}` and `${env:NAME:-default}` inside the text values of a manifest.

As in a shell, the default also stands in for a variable that is set but empty. `$${env:NAME}` writes
`${env:NAME}` itself. Keys are left alone.

A text that is one whole reference is read as the type its place asks for (`wanted`, `typed_text`); anything else stays
text. What variables hold is never told: `veil` takes it out of problems.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.manifest.paths import KeyPath, dotted, shown
from rtvi_plugins.manifest.source import MAX_BYTES, Filled, Source
from rtvi_plugins.manifest.tree import MAX_PROBLEMS
from rtvi_plugins.manifest.typed_text import UNFIT, read, words_of
from rtvi_plugins.manifest.wanted import Data, Wanted, place_of, wanted_by, wanted_in

OPENING: Final = "${env:"


def _balanced(levels: int) -> str:
    """Return a pattern for text whose braces are in pairs: a default that is JSON has its own."""
    return rf"(?:[^{{}}]|\{{{_balanced(levels - 1)}\}})*+" if levels else "[^{}]*+"


_JSON_DEFAULT: Final = rf"[^}}:]*+:-\s*+(?=[\[{{]){_balanced(8)}"
_REFERENCE: Final = re.compile(rf"(?P<escape>\$\$\{{env:)|\$\{{env:(?:(?P<body>{_JSON_DEFAULT}(?=\}})|[^}}]*)\}})?")
_BODY: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<or>:-(?P<default>.*))?", re.DOTALL)
_FORM: Final = "'${env:NAME}' or '${env:NAME:-default}'"


def fill_in(source: Source, environ: Mapping[str, str]) -> tuple[Source, tuple[Problem, ...]]:
    """Replace every reference in a document by text; one that cannot be replaced makes its value faulty."""
    filling = _Filling(source, environ)
    value = filling.walk(source.value, ())
    faulty = source.faulty | filling.faulty
    return replace(source, value=value, faulty=faulty, filled=filling.filled), tuple(filling.problems)


def read_types(source: Source) -> tuple[Source, tuple[Problem, ...]]:
    """Read what came from the environment as the types that a manifest asks for; text that does not fit is faulty."""
    whole = {path: filled for path, filled in source.filled.items() if filled.is_whole and path not in source.faulty}
    places = {path: place_of(path, source.value) for path in whole}
    problems: list[Problem] = []
    # Schemas first: they say what defaults and initial values are to be.
    for is_data in (False, True):
        changes: dict[KeyPath, Any] = {}
        for path, filled in whole.items():
            place = places[path]
            if isinstance(place, Data) is not is_data:
                continue
            wanted = wanted_by(place, source.value) if isinstance(place, Data) else place
            value = read(filled.text, wanted)
            if value is UNFIT:
                problems.append(unfit(filled, wanted, source.locate(path), dotted(path)))
                source = replace(source, faulty=source.faulty | {path})
            elif value is not filled.text:
                changes[path] = value
        source = replace(source, value=with_values(source.value, changes))
    return source, tuple(problems)


def read_part(source: Source, value: Any, path: KeyPath, schema: Any) -> tuple[Any, tuple[Problem, ...]]:
    """Read what came from the environment in one part of a manifest as the types that its schema asks for.

    value:  the part, as the models have it.
    schema: known only once plugins are: that of a responder's settings, of a stage's arguments.
    """
    changes: dict[KeyPath, Any] = {}
    problems: list[Problem] = []
    for place, filled in source.filled.items():
        if not filled.is_whole or place[: len(path)] != path or place in source.faulty:
            continue
        steps = place[len(path) :]
        wanted = wanted_in(schema, steps)
        new = read(filled.text, wanted)
        if new is UNFIT:
            problems.append(unfit(filled, wanted, source.locate(place), dotted(place)))
        elif new is not filled.text:
            changes[steps] = new
    return with_values(value, changes), tuple(problems)


def unfit(filled: Filled, wanted: Wanted, at: Location, where: str) -> Problem:
    """Return the problem of a variable that does not hold what its place asks for."""
    subject = f"environment variable {shown(filled.names[0])}" if filled.names else f"the default in '{filled.written}'"
    expected = words_of(wanted) if wanted.members is None else "one of the listed values"
    return Problem("bad-env", f"{subject} does not fit here", at, where, expected=expected)


def with_values(value: Any, changes: Mapping[KeyPath, Any]) -> Any:
    """Return a document with the values at some paths replaced; only what leads to them is copied."""
    if () in changes:
        return changes[()]
    below: dict[str | int, dict[KeyPath, Any]] = {}
    for path, new in changes.items():
        below.setdefault(path[0], {})[path[1:]] = new
    if not below:
        return value
    copy: Any = value.copy()  # a list's keys are its indexes
    for key, inner in below.items():
        copy[key] = with_values(value[key], inner)
    return copy


class _Filling:
    """One run over a document."""

    def __init__(self, source: Source, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self.faulty: set[KeyPath] = set()
        self.filled: dict[KeyPath, Filled] = {}
        self._source = source
        self._environ = environ
        self._budget = MAX_BYTES
        self._complained: set[Problem] = set()

    def walk(self, value: Any, path: KeyPath) -> Any:
        """Give the value with its references replaced: the same object where there are none."""
        if isinstance(value, str):
            return self._text(value, path) if OPENING in value else value
        if isinstance(value, dict):
            new = {key: self.walk(item, (*path, key)) for key, item in value.items()}
            return new if any(new[key] is not item for key, item in value.items()) else value
        if isinstance(value, list):
            items = [self.walk(item, (*path, index)) for index, item in enumerate(value)]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def _text(self, text: str, path: KeyPath) -> str:
        parts: list[str] = []
        names: list[str] = []
        values: list[str] = []
        end = 0
        while (match := _REFERENCE.search(text, end)) is not None:
            parts.append(text[end : match.start()])
            end = match.end()
            name, found = ("", OPENING) if match["escape"] else self._look_up(match["body"], path)
            if found is None:
                return text
            parts.append(found)
            if name:
                names.append(name)
                values.append(found)
            self._budget -= len(found)
            if self._budget < 0:
                expected = f"at most {MAX_BYTES:,} characters in a file"
                self._complain("too-large", "environment variables fill in too much text", path, expected=expected)
                return text
        new = "".join(parts) + text[end:]
        whole = _REFERENCE.fullmatch(text)
        is_whole = whole is not None and not whole["escape"]
        if names or is_whole:
            self.filled[path] = Filled(text, new, tuple(names), tuple(values), is_whole)
        return new

    def _look_up(self, body: str | None, path: KeyPath) -> tuple[str, str | None]:
        """Give what one reference stands for, or None after complaining; and the variable, unless it is its default."""
        match = None if body is None or OPENING in body else _BODY.fullmatch(body)
        if body is None:
            self._complain("bad-env", f"'{OPENING}' without '}}'", path, expected=_FORM)
            return "", None
        if match is None:
            # The default is not shown: it may be a secret.
            name = body.partition(":-")[0]
            text = "references do not nest" if OPENING in body else f"{shown(name)} is no environment variable's name"
            self._complain("bad-env", text, path, expected=_FORM)
            return "", None
        name = match["name"]
        value = self._environ.get(name)
        if not value and match["or"]:
            return "", str(match["default"])
        if value is None:
            hint = f"set it, or write '${{env:{name}:-default}}'"
            self._complain("unset-env", f"environment variable {shown(name)} is not set", path, hint=hint)
            return "", None
        if not value.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in value):
            self._complain("bad-env", f"environment variable {shown(name)} does not hold UTF-8 text", path)
            return "", None
        return name, value

    def _complain(self, slug: str, text: str, path: KeyPath, *, expected: str = "", hint: str = "") -> None:
        self.faulty.add(path)
        if len(self.problems) > MAX_PROBLEMS:
            return
        location = self._source.locate(path)
        if len(self.problems) == MAX_PROBLEMS:
            slug, text, expected, hint = "too-large", f"more than {MAX_PROBLEMS} unusable references", "", ""
        problem = Problem(slug, text, location, dotted(path), expected=expected, hint=hint)
        # A shared part is met once for each alias, and is wrong only once.
        alike = replace(problem, where="")
        if alike not in self._complained:
            self._complained.add(alike)
            self.problems.append(problem)
