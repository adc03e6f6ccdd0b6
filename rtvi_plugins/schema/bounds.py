"""How deeply values are nested, and whether they are JSON: asked of compiled code, never found by walking them here."""

from __future__ import annotations

import gc
import marshal
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
import orjson

MAX_DEPTH: Final = 1_000
"""Nesting of a value; twice what a manifest may allow on the wire, far below what overflows the validator's stack."""

_ORJSON_DEPTH: Final = 254
"""Levels that orjson writes."""

_SCALARS: Final = ["boolean", "null", "number", "string"]


def is_deeper(value: object, most: int) -> bool:
    """Return whether lists and objects are nested more than `most` levels deep; False for what is not JSON."""
    if most >= _ORJSON_DEPTH:
        try:
            orjson.dumps(value)  # the quick answer: it refuses what is nested more deeply
        except (TypeError, ValueError):
            pass
        else:
            return False
    try:
        return not _fits_levels(most)(value)
    except ValueError:  # it met what is not JSON, which is said elsewhere
        return False


@lru_cache(maxsize=16)
def _fits_levels(most: int) -> Callable[[Any], bool]:
    """Compile a schema of so many levels, each of which takes any list or object of the next one."""
    levels: dict[str, Any] = {}
    for level in range(most):
        below = {"$ref": f"#/$defs/{level + 1}"}
        levels[str(level)] = {"additionalProperties": below, "items": below}
    levels[str(most)] = {"type": _SCALARS}
    document = {"$ref": "#/$defs/0", "$defs": levels}
    return jsonschema_rs.Draft202012Validator(document, validate_formats=False, offline=True).is_valid


def is_plainly_json(value: Any) -> bool:
    """Return whether a value is JSON and made of Python's own types alone, as far as compiled code can say.

    False also where only a look at it can tell: for integers beyond 64 bits, nesting beyond what orjson writes, and
    numbers that may be NaN beside a null.
    """
    try:
        marshal.dumps(value)  # which knows no classes: orjson has a form for an Enum
        written = orjson.dumps(value)
    except (TypeError, ValueError):
        return False
    return is_finite(value, written)


def is_finite(value: object, written: bytes) -> bool:
    """Return whether no number in a value is NaN or infinite.

    written: the value as orjson wrote it, in which these are null. False also for tuples beside a null, which are not
             told apart here.
    """
    if written.rfind(b"null") < 0:  # from behind, CPython searches in less than half the time
        return True
    return bool(read_large(written) == value)


def read_large(text: str | bytes) -> Any:
    """Read JSON with the collector at rest: it would look at what was read many times. Raises JSONDecodeError."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return orjson.loads(text)
    finally:
        if was_enabled:
            gc.enable()
