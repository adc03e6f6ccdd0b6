"""The words that `format` knows: those the validator can check, and those that only describe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rtvi_plugins.errors import did_you_mean
from rtvi_plugins.schema.keywords import Document, Path, subschemas

CHECKED: Final = frozenset(
    {
        "date",
        "date-time",
        "duration",
        "email",
        "hostname",
        "idn-email",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "iri",
        "iri-reference",
        "json-pointer",
        "regex",
        "relative-json-pointer",
        "time",
        "uri",
        "uri-reference",
        "uri-template",
        "uuid",
    }
)
"""The formats of JSON Schema 2020-12."""
DESCRIPTIVE: Final = frozenset({"binary", "byte", "double", "float", "int32", "int64", "password"})
"""OpenAPI's own, for people and code generators; nothing checks them."""


def unknown_formats(document: Document, *, are_checked: bool) -> Iterator[tuple[Path, str, str]]:
    """Find each `format` that would not do what it seems to: its path, what is wrong, and the way out.

    are_checked: whether formats are enforced; then one that only describes is found as well. A name that begins with
                 `x-` is its author's own.
    """
    for path, schema in subschemas(document):
        name = schema.get("format")
        if not isinstance(name, str) or name in CHECKED or name.startswith("x-"):
            continue
        if name not in DESCRIPTIVE:
            yield (*path, "format"), f"unknown format '{name}'", did_you_mean(name, CHECKED)
        elif are_checked:
            yield (*path, "format"), f"the format '{name}' only describes; nothing checks it", "use 'pattern' or bounds"
