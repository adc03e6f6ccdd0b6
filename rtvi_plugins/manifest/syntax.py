"""The YAML parser's complaints, in our words."""

from __future__ import annotations

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
    "found unexpected end of stream": ("the file ends inside quoted text", "close the quotes"),
    "found unexpected document indicator": ("the document ends inside quoted text", "close the quotes"),
    "block sequence entries are not allowed in this context": ("a list item makes no sense here", "begin a new line"),
    "found unknown escape character": ("no such escape in double quotes", "use single quotes or double the backslash"),
}


def syntax_problem(error: yaml.YAMLError, path: str, where: KeyPath) -> Problem:
    """Turn what the parser raised into a problem.

    path:  the file, for the rare complaint that has no place of its own.
    where: what was being read.
    """
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or "cannot be read"
    text, hint = _SYNTAX.get(said, (printable(said), ""))
    location = Location(path) if mark is None else location_of(mark)
    return Problem("bad-yaml", text, location, dotted(where), hint=hint)
