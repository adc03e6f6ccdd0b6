"""Documents ─► validators. Equal documents share one; a hostile value can neither hang a validator nor overflow it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
import orjson

from rtvi_plugins.schema.bounds import MAX_DEPTH, is_deeper
from rtvi_plugins.schema.keywords import DIALECT, Document, Path, subschemas
from rtvi_plugins.schema.patterns import ALLOWED, LINEAR, Backtracking, replace_backtracking, shared_budget
from rtvi_plugins.schema.references import shared_name, usage

_CACHED: Final = 4_096
_DEEP_REFERENCES: Final = ("$dynamicRef", "$recursiveRef")

IsValid = Callable[[Any], bool]


class Compiled:
    """One compiled document.

    is_valid:        the validator's own bound method. It is wrapped for a document that refers to itself, where the
                     depth of the value decides how deep the validator's stack grows, and for one with a pattern that is
                     not linear, which has a budget.
    is_backtracking: whether it has such a pattern.
    checks_formats:  whether `format` is enforced.
    """

    def __init__(self, document: Document, *, may_refer: bool, checks_formats: bool = False) -> None:
        self.document = document
        self.checks_formats = checks_formats
        self.validator, self.is_backtracking = _compile(document, checks_formats=checks_formats)
        self.is_recursive = may_refer and _is_recursive(document)
        check: IsValid = self.validator.is_valid
        if self.is_backtracking:
            check = _budgeted(check)
        self.is_valid = _guarded(check) if self.is_recursive else check

    def part(self, schema: Document) -> Compiled | None:
        """Compile one schema of this document, or made from its parts; None where it needs what stands elsewhere."""
        if not isinstance(schema, dict) or not isinstance(self.document, dict):
            return compiled(schema, checks_formats=self.checks_formats)
        seen = usage(schema)
        if not seen.shared and not seen.is_local:
            return compiled(schema, checks_formats=self.checks_formats)
        if seen.is_local or "$id" in self.document:
            return None
        whole = {**schema, "$defs": self.document["$defs"]}
        return compiled(whole, checks_formats=self.checks_formats)

    def target(self, reference: object) -> Document | None:
        """Find the definition that a reference names; None for a reference of another kind."""
        name = shared_name(reference)
        if name is None or not isinstance(self.document, dict) or "$id" in self.document:
            return None
        found: Document | None = self.document.get("$defs", {}).get(name)
        return found if reference == f"#/$defs/{name}" else None

    @cached_property
    def has_branches(self) -> bool:
        """Whether explaining a refusal means explaining every branch of an `anyOf` or `oneOf`."""
        return any(
            not schema.keys().isdisjoint(("anyOf", "oneOf")) or _is_elsewhere(schema.get("$ref"))
            for _, schema in subschemas(self.document)
        )


def compiled(document: Document, *, checks_formats: bool = False) -> Compiled:
    """Compile a normalised, self-contained document, or find it compiled.

    checks_formats: whether `format` is enforced.
    Raises `ValueError` when the document is not valid or refers to what is not there; its text is the library's.
    """
    try:
        key = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number beyond 64 bits, which orjson cannot hold
        return _compiled_large(json.dumps(document, sort_keys=True, allow_nan=False), checks_formats)
    return _compiled(key, checks_formats)


@lru_cache(maxsize=_CACHED)
def _compiled(key: bytes, checks_formats: bool) -> Compiled:
    # A copy of its own: the caller may go on to change the document.
    return Compiled(orjson.loads(key), may_refer=b'"$' in key, checks_formats=checks_formats)


@lru_cache(maxsize=_CACHED // 16)
def _compiled_large(key: str, checks_formats: bool) -> Compiled:
    return Compiled(json.loads(key), may_refer=True, checks_formats=checks_formats)


def _compile(document: Document, *, checks_formats: bool) -> tuple[jsonschema_rs.Draft202012Validator, bool]:
    """Compile a document for the linear engine; with our own keyword for the patterns that it does not take."""
    try:
        return _made(document, {}, checks_formats=checks_formats), False
    except ValueError:
        own = copy.deepcopy(document)
        if not replace_backtracking(own):
            raise
        return _made(own, {ALLOWED: Backtracking}, checks_formats=checks_formats), True


def _made(document: Document, keywords: dict[str, Any], *, checks_formats: bool) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        document, validate_formats=checks_formats, offline=True, pattern_options=LINEAR, keywords=keywords or None
    )


def _budgeted(check: IsValid) -> IsValid:
    def is_valid(value: Any) -> bool:
        with shared_budget() as budget:
            return check(value) and not budget.is_spent

    return is_valid


def _guarded(check: IsValid) -> IsValid:
    def is_valid(value: Any) -> bool:
        if is_deeper(value, MAX_DEPTH):
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
