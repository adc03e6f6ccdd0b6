"""Documents ─► validators. Equal documents share one; a hostile value can neither hang a validator nor overflow it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
import orjson

from rtvi_plugins.schema.keywords import DIALECT, Document, Path, subschemas
from rtvi_plugins.schema.survey import is_shallow

_BACKTRACK_LIMIT: Final = 100_000
"""Steps a pattern may take back on one text, about a millisecond; one more refuses the value, also under `not`."""
_CACHED: Final = 4_096
_DEEP_REFERENCES: Final = ("$dynamicRef", "$recursiveRef")

IsValid = Callable[[Any], bool]


class Compiled:
    """One compiled document.

    is_valid: the validator's own bound method. Only for a document that refers to itself it is wrapped, because there
              the depth of the value, not of the document, decides how deep the validator's stack grows.
    """

    def __init__(self, document: Document, *, may_refer: bool) -> None:
        self.document = document
        self.validator = jsonschema_rs.Draft202012Validator(
            document,
            validate_formats=False,
            offline=True,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT),
        )
        self.is_recursive = may_refer and _is_recursive(document)
        check: IsValid = self.validator.is_valid
        self.is_valid = _guarded(check) if self.is_recursive else check

    @cached_property
    def has_branches(self) -> bool:
        """Whether explaining a refusal means explaining every branch of an `anyOf` or `oneOf`."""
        return any(
            not schema.keys().isdisjoint(("anyOf", "oneOf")) or _is_elsewhere(schema.get("$ref"))
            for _, schema in subschemas(self.document)
        )


def compiled(document: Document) -> Compiled:
    """Compile a normalised, self-contained document, or find it compiled.

    Raises `ValueError` when the document is not valid or refers to what is not there; its text is the library's.
    """
    try:
        key = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number beyond 64 bits, which orjson cannot hold
        return _compiled_large(json.dumps(document, sort_keys=True, allow_nan=False))
    return _compiled(key)


@lru_cache(maxsize=_CACHED)
def _compiled(key: bytes) -> Compiled:
    # A copy of its own: the caller may go on to change the document.
    return Compiled(orjson.loads(key), may_refer=b'"$' in key)


@lru_cache(maxsize=_CACHED // 16)
def _compiled_large(key: str) -> Compiled:
    return Compiled(json.loads(key), may_refer=True)


def is_pattern(pattern: str) -> bool:
    """Tell whether the validator takes a regular expression; one whose automaton is too large is refused too."""
    try:
        compiled({"pattern": pattern})
    except ValueError:
        return False
    return True


def _guarded(check: IsValid) -> IsValid:
    def is_valid(value: Any) -> bool:
        if not is_shallow(value):
            raise ValueError("nested too deeply")
        return check(value)

    return is_valid


def _is_elsewhere(reference: object) -> bool:
    return isinstance(reference, str) and reference.startswith(DIALECT.rpartition("/")[0])


def _is_recursive(document: Document) -> bool:
    """Tell whether a document can come back to itself; anchors and addresses are taken to do so."""
    references: list[tuple[Path, Path]] = []
    places: set[Path] = set()
    for path, schema in subschemas(document):
        places.add(tuple(map(str, path)))
        if "$ref" in schema:
            reference = schema["$ref"]
            if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")):
                return True
            steps = unquote(reference[1:]).split("/")[1:]
            target = tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
            references.append((tuple(map(str, path)), target))
        if any(keyword in schema for keyword in _DEEP_REFERENCES) or ("$id" in schema and path):
            return True
    if any(target not in places for _, target in references):
        return True  # it leads to where no schema usually stands; nothing was read there
    return _has_cycle(references)


def _has_cycle(references: list[tuple[Path, Path]]) -> bool:
    leads: dict[Path, set[Path]] = {}
    for _, start in references:
        if start not in leads:
            leads[start] = {target for path, target in references if path[: len(start)] == start}
    # Take away targets that lead nowhere until none is left, or only circles and what leads into them.
    while ends := {start for start, onward in leads.items() if not onward}:
        leads = {start: onward - ends for start, onward in leads.items() if start not in ends}
    return bool(leads)
