"""JSON text to messages and back: strict, bounded, quick. No sockets here.

orjson reads and writes; what it is too lenient about is checked around it: the number of values before a text is read,
since each list and object costs memory and the collector's time whatever it holds; nesting depth before a message is
believed; NaN and infinities (which it writes as `null`) before one is sent. All of that is done by compiled code. Where
it is stricter than clients are, half of a surrogate pair, which JavaScript writes when it cuts an emoji in two, is read
as U+FFFD. A duplicate key in incoming JSON counts as its last value, as in every JSON library clients use.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

import orjson

from rtvi_plugins.protocol.json_form import json_form
from rtvi_plugins.protocol.messages import LABEL, NotJSONError
from rtvi_plugins.schema.bounds import is_deeper, is_finite, read_large

DEFAULT_MAX_DEPTH: Final = 64
DEFAULT_MAX_NODES: Final = 131_072
"""Values in one message: a whole MiB of them at eight characters each."""

_OF_CONTAINER: Final = 3
"""Values that a list or object counts as: it takes more memory than others, and the collector looks at it again."""

_LARGE: Final = 65_536
"""Characters from which on a text is read with the collector at rest: it would look at what was read many times."""

_MOST_MENDED: Final = 16_384
"""Escapes of surrogates in a text that are looked at for the half of a pair."""

_SALVAGE: Final = 4096
"""Characters at each end of a text that could not be taken in which its id is looked for."""

# A backslash that is itself escaped begins no escape; a whole pair is matched so that its halves are not.
_SURROGATE: Final = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u[dD](?:[89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|[c-fC-F][0-9a-fA-F]{2})"
)
_STRING: Final = r'"(?:[^"\\]|\\.)*+"'
_TOKEN: Final = re.compile(rf'{_STRING}|["\[\]{{}}]')
_VALUE: Final = re.compile(rf"\s*:\s*({_STRING})")
_LAST_ENTRIES: Final = re.compile(rf'"id"\s*:\s*({_STRING})(?:\s*,\s*{_STRING}\s*:\s*{_STRING})*\s*\}}\s*')
_LABELLED: Final = re.compile(rf'"label"\s*:\s*"{LABEL}"')

_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


class InvalidJSONError(ValueError):
    """Incoming text is no acceptable JSON; the text says why, for the client.

    value: what was read all the same, for whoever wants to reply to it: all of it, or only label and id; None when not
           even those could be read.
    """

    def __init__(self, text: str, value: Any = None) -> None:
        super().__init__(text)
        self.value = value


def decode(text: str | bytes, max_depth: int = DEFAULT_MAX_DEPTH, max_nodes: int = DEFAULT_MAX_NODES) -> Any:
    """Read one JSON value.

    max_nodes: the most values it may hold: texts, numbers and the rest, each counted once; a list or object counts as
               three, an empty one as four.
    Raises InvalidJSONError for what is not JSON, not UTF-8, nested too deeply or holds too many values.
    """
    size = len(text)
    if _OF_CONTAINER * size >= max_nodes and _holds_more(text, max_nodes):
        raise InvalidJSONError(f"more than {max_nodes} values", salvage(text))
    try:
        value = orjson.loads(text) if size < _LARGE else read_large(text)
    except orjson.JSONDecodeError as error:
        mended = _mend_surrogates(text)
        if mended is not None:
            return decode(mended, max_depth, max_nodes)
        raise InvalidJSONError(f"not JSON: {_reason(error)}", salvage(text)) from None
    # A value is nested no deeper than it has opening brackets, and an object takes five characters at least: `{"":}`.
    # That spares nearly all messages the check.
    whole: Any = text
    try:
        lists = whole.count("[") if "[" in whole else 0  # looking is quicker than counting
    except TypeError:  # it is bytes; asking every time would take as long as looking
        whole = whole.decode()
        lists = whole.count("[")
    if lists + size // 5 < max_depth:
        return value
    if lists + whole.count("{") > max_depth and is_deeper(value, max_depth):
        raise InvalidJSONError(f"nested more than {max_depth} deep", value)
    return value


def plain(message: Any) -> Any:
    """Return a message of our own as whoever reads it will see it. Raises NotJSONError."""
    return orjson.loads(encode(message))


def _holds_more(text: Any, most: int) -> bool:
    """Return whether a JSON text holds more values: commas and opening brackets tell, outside of texts."""
    marks: Any = (b",", b"[", b"{", b'"') if isinstance(text, bytes) else (",", "[", "{", '"')
    comma, opening, brace, quote = marks
    if text.count(comma) + _OF_CONTAINER * (text.count(opening) + text.count(brace)) < most:
        return False
    bare = _without_escapes(text)
    if bare.count(quote) > 4 * most:  # a value has one text, and perhaps a second one for a name
        return True
    outside = bare[:0].join(bare.split(quote)[::2])
    return bool(outside.count(comma) + _OF_CONTAINER * (outside.count(opening) + outside.count(brace)) >= most)


_MARKS: Final = b',[{"'
_NO_MARKS: Final = bytes(set(range(256)) - set(_MARKS))


def marks_outside(text: bytes) -> bytes:
    """Return the commas and opening brackets of JSON text, without those within its texts."""
    return b"".join(_without_escapes(text).translate(None, _NO_MARKS).split(b'"')[::2])


def _without_escapes(text: Any) -> Any:
    """Return JSON text in which every quote begins or ends a text."""
    marks: Any = (b"\\", b'"') if isinstance(text, bytes) else ("\\", '"')
    escape, quote = marks
    return text.replace(escape + escape, escape[:0]).replace(escape + quote, escape[:0]) if escape in text else text


def _mend_surrogates(text: str | bytes) -> str | None:
    """Write U+FFFD for every escape of half a surrogate pair; None when there is none, or too many to look at."""
    if isinstance(text, bytes):
        if b"\\u" not in text:
            return None
        text = text.decode(errors="replace")
    if text.count("\\ud") + text.count("\\uD") > _MOST_MENDED:
        return None
    is_mended = False

    def mend(match: re.Match[str]) -> str:
        nonlocal is_mended
        if match[2]:
            return match[0]
        is_mended = True
        return f"{match[1]}\\ufffd"

    mended = _SURROGATE.sub(mend, text)
    return mended if is_mended else None


def salvage(text: str | bytes) -> dict[str, str] | None:
    """Find label and id of a message whose text cannot be taken, near its ends; None when they are not there.

    An `id` deeper inside is not the message's own and is not taken for it.
    """
    head, tail = (
        part if isinstance(part, str) else part.decode(errors="replace") for part in (text[:_SALVAGE], text[-_SALVAGE:])
    )
    if not _LABELLED.search(head) and not _LABELLED.search(tail):
        return None
    found = _first_id(head) or (_last_id(tail) if len(text) > _SALVAGE else None)
    try:
        id_ = orjson.loads(found or "")
    except orjson.JSONDecodeError:
        return None
    return {"label": LABEL, "id": id_}


def _first_id(head: str) -> str | None:
    depth = 0
    for token in _TOKEN.finditer(head):
        first = token[0][0]
        if token[0] == '"':
            return None  # a text that goes on beyond the head
        if first == '"':
            value = _VALUE.match(head, token.end()) if depth == 1 and token[0] == '"id"' else None
            if value is not None:
                return value[1]
        else:
            depth += 1 if first in "{[" else -1
    return None


def _last_id(tail: str) -> str | None:
    at = tail.rfind('"id"')
    match = _LAST_ENTRIES.fullmatch(tail, at) if at >= 0 else None
    return match[1] if match else None


def _reason(error: orjson.JSONDecodeError) -> str:
    is_depth = any(word in error.msg.lower() for word in ("depth", "recursion"))  # versions of orjson differ
    return "nested too deeply" if is_depth else f"at character {error.pos}"


def encode(message: Any) -> bytes:
    """Write a message as JSON text in UTF-8. Raises NotJSONError, also for NaN and keys that are no text.

    What is no JSON, but has an obvious form in it, is written in that form (`json_form`).
    """
    try:
        data = orjson.dumps(message, option=_OPTIONS)
    except TypeError:
        return _encode_slowly(message)
    # `rfind` and not `in`: from behind, CPython searches in less than half the time, 80 ns for a short answer.
    if data.rfind(b"null") >= 0 and not is_finite(message, data) and not _is_finite(message):
        raise NotJSONError("NaN and infinities are not JSON")
    return data


def rewrite(message: Any) -> bytes:
    """Write again what was read from JSON text. Raises NotJSONError when somebody made something else of it."""
    try:
        return orjson.dumps(message)
    except TypeError as error:
        raise NotJSONError(str(error)) from None


def _encode_slowly(message: Any) -> bytes:
    """Write what orjson cannot though it has a JSON form, integers beyond 64 bits included; raise for the rest."""
    plain = json_form(message)
    try:
        return json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:  # a text with half of a surrogate pair
        raise NotJSONError(str(error)) from error


def _is_finite(value: Any) -> bool:
    """Look at every number: a value that is not what its text reads as may still hold tuples only."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, float) and not math.isfinite(item):
            return False
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
    return True
