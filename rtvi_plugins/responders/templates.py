"""Templates: texts with `{placeholders}`, for answers and for an action's arguments.

A placeholder is the name of a capture, or `result` with an optional path into it: `{result.items.0.title}`. `{{` and
`}}` stand for braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_TOKEN: Final = re.compile(r"\{\{|\}\}|\{(?P<path>[^{}]*)\}|[{}]|[^{}]+")
_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[^.{}\s]+)*")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{name}` or `{name.key.0}`."""

    name: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return "{" + ".".join((self.name, *self.path)) + "}"

    def find(self, values: Mapping[str, Any]) -> Any:
        """Follow the path; None when it leads nowhere: a missing key or index, null, or nothing in it."""
        here: Any = values.get(self.name)
        for step in self.path:
            if isinstance(here, Mapping):
                here = here.get(step)
            elif isinstance(here, Sequence) and not isinstance(here, str) and re.fullmatch(r"[0-9]{1,9}", step):
                here = here[int(step)] if int(step) < len(here) else None
            else:
                return None
        is_empty = isinstance(here, (str, Mapping, Sequence)) and len(here) == 0
        return None if is_empty else here


@dataclass(frozen=True, slots=True)
class Template:
    """A text and its placeholders, in order."""

    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The placeholders, in order."""
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    @property
    def alone(self) -> Placeholder | None:
        """The placeholder when there is exactly one and no text beside it."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Placeholder) else None

    def fill(self, values: Mapping[str, Any]) -> tuple[str, bool]:
        """Put values in. Returns the text, and whether every placeholder led somewhere; the others are left out."""
        found = [part.find(values) if isinstance(part, Placeholder) else part for part in self.parts]
        return "".join(as_text(value) for value in found), all(value is not None for value in found)


def as_text(value: Any) -> str:
    """Write a value into a sentence: text as it is, a list of plain values with commas, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(item, (str, int, float)) for item in value):
        return ", ".join(as_text(item) for item in value)
    return json.dumps(value, ensure_ascii=False, default=str)


def read_template(text: str) -> tuple[Template, tuple[str, ...]]:
    """Read a template. Returns it with every fault as a text; what is faulty stays in it as plain text."""
    parts: list[str | Placeholder] = []
    faults: list[str] = []

    def add(piece: str) -> None:
        if parts and isinstance(parts[-1], str):
            parts[-1] += piece
        else:
            parts.append(piece)

    for token in _TOKEN.finditer(text):
        path, whole = token["path"], token.group()
        if path is not None and _PATH.fullmatch(path):
            name, *steps = path.split(".")
            parts.append(Placeholder(name, tuple(steps)))
        elif path is not None:
            faults.append(f"'{whole}' is not a placeholder; expected {{name}} or {{result.path}}")
        elif whole in ("{", "}"):
            faults.append(f"'{whole}' has no partner; write '{whole * 2}' for the character itself")
        else:
            add({"{{": "{", "}}": "}"}.get(whole, whole))
    return Template(tuple(parts)), tuple(faults)
