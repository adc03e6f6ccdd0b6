"""Reading the text of an environment variable as a value of the type that its place asks for."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from rtvi_plugins.manifest.syntax import MAX_DEPTH
from rtvi_plugins.manifest.tree import MAX_NODES
from rtvi_plugins.manifest.wanted import DURATION, Wanted
from rtvi_plugins.schema.survey import survey

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.0+)?")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DIGITS: Final = {"1": True, "0": False}
_64_BITS: Final = range(-(2**63), 2**64)
_LONGEST_NUMBER: Final = 400

UNFIT: Final = object()
"""What `read` returns for text that does not fit."""

WORDS: Final = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list as JSON, like [1, 2]",
    "object": 'an object as JSON, like {"a": 1}',
    "null": "null",
    DURATION: "a duration like 500ms, 10s, 5m, 1h or a number of seconds",
}


def read(text: str, wanted: Wanted) -> Any:
    """Return the value that text stands for, or `UNFIT`.

    Text stays text where the place takes text or anything; else the first type that fits decides. Of a place that
    lists its legal values it is the one that is meant.
    """
    if wanted.members is not None:
        return _member(text, wanted)
    if not wanted.types or "string" in wanted.types:
        return text
    is_alone = [name for name in wanted.types if name != "null"] == ["boolean"]
    for name in wanted.types:
        value = _read_as(name, text, digits=is_alone)
        if value is not UNFIT:
            return value
    return UNFIT


def words_of(wanted: Wanted) -> str:
    """Say what would fit."""
    return " or ".join(WORDS[name] for name in wanted.types if name in WORDS)


def _member(text: str, wanted: Wanted) -> Any:
    members = wanted.members or ()
    if text in members:
        return text
    for member in members:
        kind = "boolean" if isinstance(member, bool) else "number" if isinstance(member, int | float) else ""
        value = _read_as(kind, text, digits=False) if kind else _json(text)
        if value is not UNFIT and not isinstance(member, str) and value == member:
            return member
    return text if "string" in wanted.types else UNFIT


def _read_as(name: str, text: str, *, digits: bool) -> Any:
    bare = text.strip()
    match name:
        case "integer" if len(bare) < _LONGEST_NUMBER and _INTEGER.fullmatch(bare):
            integer = int(bare.partition(".")[0])
            return integer if integer in _64_BITS else UNFIT
        case "number" if len(bare) < _LONGEST_NUMBER and _NUMBER.fullmatch(bare):
            return _number(bare)
        case "boolean":
            return (_BOOLEANS | (_DIGITS if digits else {})).get(bare.lower(), UNFIT)
        case "null":
            return None if bare in ("", "null") else UNFIT
        case "array" | "object":
            value = _json(bare)
            return value if isinstance(value, list if name == "array" else dict) else UNFIT
        case "duration":
            # What is no duration is refused by the model, which knows them.
            return _number(bare) if len(bare) < _LONGEST_NUMBER and _NUMBER.fullmatch(bare) else bare
    return UNFIT


def _number(text: str) -> Any:
    if text.lstrip("-").isdecimal():
        integer = int(text)
        return integer if integer in _64_BITS else UNFIT
    number = float(text)
    return number if number not in (float("inf"), float("-inf")) else UNFIT


def _json(text: str) -> Any:
    """Return what JSON text stands for; like a file it is bounded, and has no key twice."""
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_object, parse_int=_integer)
    except (ValueError, RecursionError):
        return UNFIT
    seen = survey(value, max_depth=MAX_DEPTH)
    return UNFIT if seen.broken or seen.nodes > MAX_NODES else value


def _integer(text: str) -> int:
    integer = int(text)
    if integer not in _64_BITS:
        raise ValueError
    return integer


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError
    return made


def _refuse(_: str) -> NoReturn:
    raise ValueError
