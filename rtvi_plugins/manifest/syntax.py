"""The YAML parser's complaints, in our words."""

from __future__ import annotations

import re
from typing import Final

import yaml

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.manifest.paths import KeyPath, dotted, printable
from rtvi_plugins.manifest.places import location_of

# libyaml's complaint → ours, and the way out. What is not here is passed on in libyaml's words.
_SYNTAX: Final[dict[str, tuple[str, str]]] = {
    "mapping values are not allowed in this context": ("a ':' makes no sense here", "quote text that holds ': '"),
    "found character that cannot start any token": ("this character cannot begin a value", "quote the text"),
    "found character '\\t' that cannot start any token": ("a tab cannot stand here", "indent with spaces"),
    "did not find expected key": ("expected a key here", "check indentation and quotes"),
    "could not find expected ':'": ("a key without ':'", "check indentation and quotes"),
    "did not find expected '-' indicator": ("expected a list item here", "check indentation"),
    "did not find expected ',' or '}'": ("expected ',' or '}' here", ""),
    "did not find expected ',' or ']'": ("expected ',' or ']' here", ""),
    "did not find expected node content": ("expected a value here", ""),
    "did not find expected <document start>": ("text after the end of the document", ""),
    "block sequence entries are not allowed in this context": ("a list item makes no sense here", "begin a new line"),
    "found unknown escape character": ("no such escape in double quotes", "use single quotes or double the backslash"),
}


_BAD_START: Final = "found character that cannot start any token"
_STRAY_COLON: Final = "mapping values are not allowed in this context"
_ENDS_IN_QUOTES: Final = frozenset({"found unexpected end of stream", "found unexpected document indicator"})
_BARE_KEY: Final = re.compile(r" *[A-Za-z][A-Za-z0-9_-]* *")


def syntax_problem(error: yaml.YAMLError, path: str, where: KeyPath, text: str = "") -> Problem:
    """Turn what the parser raised into a problem.

    path:  the file, for the rare complaint that has no place of its own.
    where: what was being read.
    text:  the file's text: a look at it often tells more than the parser says.
    """
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or "cannot be read"
    wrong, hint = _SYNTAX.get(said, (printable(said), ""))
    location = Location(path) if mark is None else location_of(mark)
    if said in _ENDS_IN_QUOTES and (opening := getattr(error, "context_mark", None)) is not None:
        return Problem("bad-yaml", "these quotes are never closed", location_of(opening), dotted(where))
    lines = text.splitlines()
    if mark is None or not 0 <= mark.line < len(lines):
        return Problem("bad-yaml", wrong, location, dotted(where), hint=hint)
    line = lines[mark.line]
    if said == _BAD_START and line[mark.column : mark.column + 1] == "\t":
        wrong, hint = "a tab cannot stand here", "indent with spaces"
    elif said == _STRAY_COLON and (before := _key_without_colon(lines, mark.line)) is not None:
        wrong, hint = "a key without ':'", "write ':' behind it"
        location = Location(location.path, before + 1, _indentation(lines[before]) + 1)
    elif said == _STRAY_COLON and mark.line and 0 < _indentation(line) != _indentation(lines[mark.line - 1]):
        hint = "check the indentation, or quote text that holds ': '"
    return Problem("bad-yaml", wrong, location, dotted(where), hint=hint)


def _key_without_colon(lines: list[str], number: int) -> int | None:
    """Find the line before this one that looks like a key whose ':' was forgotten; None when it does not."""
    before = next((n for n in range(number - 1, -1, -1) if lines[n].strip()), None)
    if before is None or _indentation(lines[before]) >= _indentation(lines[number]):
        return None
    return before if _BARE_KEY.fullmatch(lines[before]) else None


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
