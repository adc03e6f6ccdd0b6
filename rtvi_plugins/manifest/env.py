"""`${env:NAME}` and `${env:NAME:-default}` inside the text values of a manifest.

As in a shell, the default also stands in for a variable that is set but empty. `$${env:NAME}` writes
`${env:NAME}` itself. The result is always text; keys are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from rtvi_plugins.errors import Problem
from rtvi_plugins.manifest.paths import KeyPath, dotted, shown
from rtvi_plugins.manifest.source import MAX_BYTES, Source
from rtvi_plugins.manifest.tree import MAX_PROBLEMS

OPENING: Final = "${env:"
_REFERENCE: Final = re.compile(r"(?P<escape>\$\$\{env:)|\$\{env:(?:(?P<body>[^}]*)\})?")
_BODY: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<or>:-(?P<default>.*))?", re.DOTALL)
_FORM: Final = "'${env:NAME}' or '${env:NAME:-default}'"


def fill_in(source: Source, environ: Mapping[str, str]) -> tuple[Source, tuple[Problem, ...]]:
    """Replace every reference in a document; one that cannot be replaced makes its value faulty."""
    filling = _Filling(source, environ)
    value = filling.walk(source.value, ())
    return replace(source, value=value, faulty=source.faulty | filling.faulty), tuple(filling.problems)


class _Filling:
    """One run over a document."""

    def __init__(self, source: Source, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self.faulty: set[KeyPath] = set()
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
        end = 0
        while (match := _REFERENCE.search(text, end)) is not None:
            parts.append(text[end : match.start()])
            end = match.end()
            found = OPENING if match["escape"] else self._look_up(match["body"], path)
            if found is None:
                return text
            parts.append(found)
            self._budget -= len(found)
            if self._budget < 0:
                expected = f"at most {MAX_BYTES:,} characters in a file"
                self._complain("too-large", "environment variables fill in too much text", path, expected=expected)
                return text
        return "".join(parts) + text[end:]

    def _look_up(self, body: str | None, path: KeyPath) -> str | None:
        """Give what one reference stands for, or None after complaining."""
        match = None if body is None or OPENING in body else _BODY.fullmatch(body)
        if body is None:
            self._complain("bad-env", f"'{OPENING}' without '}}'", path, expected=_FORM)
            return None
        if match is None:
            # The default is not shown: it may be a secret.
            name = body.partition(":-")[0]
            text = "references do not nest" if OPENING in body else f"{shown(name)} is no environment variable's name"
            self._complain("bad-env", text, path, expected=_FORM)
            return None
        name = match["name"]
        value = self._environ.get(name)
        if not value and match["or"]:
            return str(match["default"])
        if value is None:
            hint = f"set it, or write '${{env:{name}:-default}}'"
            self._complain("unset-env", f"environment variable {shown(name)} is not set", path, hint=hint)
            return None
        if not value.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in value):
            self._complain("bad-env", f"environment variable {shown(name)} does not hold UTF-8 text", path)
            return None
        return value

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
