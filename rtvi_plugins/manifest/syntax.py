"""The YAML parser's complaints, in our words."""

from __future__ import annotations

import re
from typing import Final

import yaml

from rtvi_plugins.errors import Location, Problem
from rtvi_plugins.manifest.paths import KeyPath, dotted, printable
from rtvi_plugins.manifest.places import location_of

MAX_DEPTH: Final = 100
"""Levels of lists and mappings, through aliases too; what is read here is walked by calling oneself later."""
TOO_DEEP: Final = ("nested too deeply", f"at most {MAX_DEPTH} levels")
"""What is wrong with one more level, and what was expected."""

_TEXT: Final = "quote text that begins with '&', '*' or '!'"
_TAG: Final = ("this tag cannot be read", _TEXT)
_DIRECTIVE: Final = (
    "this line begins with '%', so it is a directive",
    "leave it out, or quote text that begins with '%'",
)
_CHARACTER: Final = ("a character that may not stand in YAML", "")

# libyaml's complaint → ours, and the way out: all that release 0.2.6 and those before it can make. A newer one's are
# passed on in its own words.
_SYNTAX: Final[dict[str, tuple[str, str]]] = {
    "mapping values are not allowed in this context": ("a ':' makes no sense here", "quote text that holds ': '"),
    "mapping keys are not allowed in this context": ("a '?' makes no sense here", "quote text that begins with '?'"),
    "block sequence entries are not allowed in this context": ("a list item makes no sense here", "begin a new line"),
    "found character that cannot start any token": ("this character cannot begin a value", "quote the text"),
    "found character '\\t' that cannot start any token": ("a tab cannot stand here", "indent with spaces"),
    "found a tab character that violates indentation": ("a tab cannot stand here", "indent with spaces"),
    "found a tab character where an indentation space is expected": ("a tab cannot stand here", "indent with spaces"),
    "found unexpected ':'": ("a ':' makes no sense here", "quote text that holds ':'"),
    "found unexpected document indicator": ("the document ends within a value", "indent '---' and '...' in text"),
    "found unexpected end of stream": ("the file ends within a value", ""),
    "did not find expected key": ("expected a key here", "check indentation and quotes"),
    "could not find expected ':'": ("a key without ':'", "check indentation and quotes"),
    "did not find expected '-' indicator": ("expected a list item here", "check indentation"),
    "did not find expected ',' or '}'": ("expected ',' or '}' here", ""),
    "did not find expected ',' or ']'": ("expected ',' or ']' here", ""),
    "did not find expected node content": ("expected a value here", ""),
    "did not find expected <document start>": ("text after the end of the document", ""),
    "did not find expected <stream-start>": ("the file cannot be read", ""),
    "did not find expected comment or line break": ("expected the end of the line here", "begin a new line"),
    "found an indentation indicator equal to 0": ("'|' and '>' cannot ask for an indentation of 0", "use 1 to 9"),
    # Double quotes.
    "found unknown escape character": ("no such escape in double quotes", "use single quotes or double the backslash"),
    "did not find expected hexdecimal number": ("this escape lacks hexadecimal digits", "write \\xNN or \\uNNNN"),
    "found invalid Unicode character escape code": ("this escape is no character of Unicode", ""),
    # Anchors, aliases and tags.
    "did not find expected alphabetic or numeric character": ("a name of letters and digits is expected here", _TEXT),
    "did not find expected whitespace or line break": ("expected a space here", _TEXT),
    "did not find expected tag URI": _TAG,
    "did not find expected '!'": _TAG,
    "did not find the expected '>'": _TAG,
    "did not find URI escaped octet": _TAG,
    "found an incorrect leading UTF-8 octet": _TAG,
    "found an incorrect trailing UTF-8 octet": _TAG,
    "found undefined tag handle": _TAG,
    # Lines that begin with '%'.
    "could not find expected directive name": _DIRECTIVE,
    "found unknown directive name": _DIRECTIVE,
    "found unexpected non-alphabetical character": _DIRECTIVE,
    "did not find expected whitespace": _DIRECTIVE,
    "did not find expected version number": _DIRECTIVE,
    "did not find expected digit or '.' character": _DIRECTIVE,
    "found extremely long version number": _DIRECTIVE,
    "found duplicate %YAML directive": _DIRECTIVE,
    "found duplicate %TAG directive": _DIRECTIVE,
    "found incompatible YAML document": ("only YAML 1.1 and 1.2 can be read", "leave this line out"),
    # What cannot be decoded. The text has been looked at before the parser sees it, so this is for safety.
    "control characters are not allowed": _CHARACTER,
    "invalid Unicode character": _CHARACTER,
    "incomplete UTF-8 octet sequence": _CHARACTER,
    "invalid leading UTF-8 octet": _CHARACTER,
    "invalid trailing UTF-8 octet": _CHARACTER,
    "invalid length of a UTF-8 sequence": _CHARACTER,
    "incomplete UTF-16 character": _CHARACTER,
    "incomplete UTF-16 surrogate pair": _CHARACTER,
    "unexpected low surrogate area": _CHARACTER,
    "expected low surrogate area": _CHARACTER,
    "input error": ("the file cannot be read", ""),
    "input is too long": ("the file is too large", ""),
}

# libyaml bounds nesting itself since 0.2.6, and looks further ahead than the tree has been built.
_NESTED: Final = frozenset(
    {
        "exceeded maximum nesting depth",
        "Maximum nesting level reached, set with yaml_set_max_nest_level())",
    }
)

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
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "input error"
    wrong, hint = _SYNTAX.get(said, (printable(said), ""))
    location = Location(path) if mark is None else location_of(mark)
    if "directive" in (getattr(error, "context", None) or ""):
        wrong, hint = _SYNTAX["found unknown directive name"]
    if said in _NESTED:
        return Problem("too-large", TOO_DEEP[0], location, dotted(where), expected=TOO_DEEP[1])
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
