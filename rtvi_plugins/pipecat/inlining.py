"""Schemas without references: LLM services take a tool's properties without the definitions that stand beside them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from rtvi_plugins.schema.keywords import Path, children
from rtvi_plugins.schema.references import REFERENCES, VALUE_ID, join, located

MAX_SCHEMAS: Final = 2000
"""Schemas written out for one tool; what would be more is left open: any value. Definitions can multiply."""
_NAMING: Final = frozenset({"$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "$defs", "definitions"})


def inlined(document: dict[str, Any]) -> dict[str, Any]:
    """Give a whole schema with what its references name in their places, and no definitions.

    A schema that contains itself is written out once; where it comes again any value of its type is allowed. The
    session checks every call against the whole schema.
    """
    return _Inlining(document).schema(document, frozenset())  # type: ignore[no-any-return]


class _Inlining:
    def __init__(self, document: dict[str, Any]) -> None:
        self._bases: dict[int, str] = {}
        self._resources: dict[str, Any] = {}
        self._anchors: dict[str, Any] = {}
        for path, schema, base in located(document, VALUE_ID):
            self._bases[id(schema)] = base
            if not path or "$id" in schema:
                self._resources[base] = schema
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(schema.get(keyword), str):
                    self._anchors[f"{base}#{schema[keyword]}"] = schema
        self._room = MAX_SCHEMAS

    def schema(self, schema: Any, inside: frozenset[int]) -> Any:
        """Give one schema written out. `inside`: the targets of the references on the way to it."""
        if not isinstance(schema, dict):
            return schema
        self._room -= 1
        if self._room < 0:
            return {}
        written = {key: value for key, value in schema.items() if key not in _NAMING}
        for step, child in children(schema):
            if step[0] not in _NAMING:
                _put(written, schema, step, self.schema(child, inside))
        for keyword in REFERENCES:
            if isinstance(schema.get(keyword), str):
                found = self._target(schema, schema[keyword], inside)
                written = {"allOf": [found, written]} if found.keys() & written.keys() else found | written
        return written

    def _target(self, schema: dict[str, Any], reference: str, inside: frozenset[int]) -> dict[str, Any]:
        found = self._resolve(join(self._bases[id(schema)], reference))
        if not isinstance(found, dict):
            return {}
        if id(found) in inside:
            return {"type": found["type"]} if "type" in found else {}
        return self.schema(found, inside | {id(found)})  # type: ignore[no-any-return]

    def _resolve(self, address: str) -> Any:
        base, _, fragment = address.partition("#")
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(address)
        found = self._resources.get(base)
        for segment in fragment.split("/")[1:]:
            key = unquote(segment).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(key)
            elif isinstance(found, list | tuple) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                return None
        return found


def _put(written: dict[str, Any], schema: dict[str, Any], step: Path, value: Any) -> None:
    """Set what stands at a step into a schema, in a holder that is the copy's own."""
    holder = str(step[0])
    if len(step) == 1:
        written[holder] = value
        return
    if written[holder] is schema[holder]:
        written[holder] = list(schema[holder]) if isinstance(schema[holder], list | tuple) else dict(schema[holder])
    written[holder][step[1]] = value
