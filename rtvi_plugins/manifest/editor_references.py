"""`${env:NAME}` in the JSON Schema of the language: editors take it wherever a value may come from the environment."""

from __future__ import annotations

from typing import Any, Final

_WHOLE: Final = "FromEnvironment"
_PART: Final = "TextFromEnvironment"
REFERENCES: Final[dict[str, Any]] = {
    _WHOLE: {
        "description": "The value of an environment variable, read as the type that is asked for here.",
        "type": "string",
        "pattern": r"^\$\{env:[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\}$",
    },
    _PART: {
        "description": "Text with the values of environment variables in it.",
        "type": "string",
        "pattern": r"\$\{env:[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\}",
    },
}
"""Definitions that the schema refers to."""
_NOTES: Final = ("description", "default")
_TABLES: Final = ("properties", "patternProperties")
_TEXTS: Final = ("pattern", "enum", "minLength", "maxLength")


def with_references(schema: Any) -> Any:
    """Return a schema whose properties and items take references beside what they take."""
    if isinstance(schema, list):
        return [with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    new = {
        key: with_references(value) if key in ("anyOf", "oneOf", "allOf") else value for key, value in schema.items()
    }
    for key in _TABLES:
        if key in new:
            new[key] = {name: _property(name, inner) for name, inner in new[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(new.get(key), dict):
            new[key] = _or_reference(new[key])
    return new


def _property(name: str, schema: Any) -> Any:
    """Return the schema of a property; which language a file is written in, no variable says."""
    return schema if name == "manifest" else _or_reference(schema)


def _or_reference(schema: Any) -> Any:
    if not isinstance(schema, dict) or not schema:
        return schema
    inner = with_references(schema)
    reference = _reference_for(schema)
    if reference is None:
        return inner
    notes = {key: inner[key] for key in _NOTES if key in inner}
    rest = {key: value for key, value in inner.items() if key not in notes}
    forms = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    return {**notes, "anyOf": [*forms, {"$ref": f"#/$defs/{reference}"}]}


def _reference_for(schema: dict[str, Any]) -> str | None:
    """Return the form of reference that a place needs beside its own; None where any text fits already."""
    if "anyOf" in schema:
        found = [_reference_for(form) for form in schema["anyOf"] if form != {"type": "null"}]
        return None if None in found else _PART if _PART in found else _WHOLE
    if "const" in schema or "$ref" in schema:
        return _WHOLE
    kind = schema.get("type")
    if kind == "string" or (kind is None and "enum" in schema):
        fits_already = "env:" in schema.get("pattern", "") or not any(key in schema for key in _TEXTS)
        return None if fits_already else _PART
    return _WHOLE if isinstance(kind, str) else None
