"""What plugin code hands over, compared with what is declared: as it stands, and else in its JSON form."""

from __future__ import annotations

from typing import Any, Protocol

from rtvi_plugins.protocol.json_form import json_form
from rtvi_plugins.protocol.messages import NotJSONError
from rtvi_plugins.schema import Fault


class Checked(Protocol):
    """A schema that can say what is wrong."""

    def faults(self, value: object) -> tuple[Fault, ...]:
        """Return what is wrong with a value."""
        ...


def fitted(schema: Checked, value: Any) -> tuple[Any, tuple[Fault, ...]]:
    """Return a value as it can be sent, and what is wrong with it.

    A value that fits stays what it is; one that does not gets its JSON form, and is compared again.
    Raises NotJSONError, which names a type that has no JSON form: for the log and the author, not for a client.
    """
    faults = schema.faults(value)
    if not faults:
        return value, faults
    plain = json_form(value)
    return plain, schema.faults(plain)


def fitted_or_why(schema: Checked, value: Any) -> tuple[Any, str]:
    """Return a value as it can be sent, and in words for the log why it cannot; empty when it can."""
    try:
        plain, faults = fitted(schema, value)
    except NotJSONError as error:
        return value, str(error)
    return plain, told(faults)


def told(faults: tuple[Fault, ...]) -> str:
    """Put the first faults into one line for the log."""
    return "; ".join(f"{place_of(fault.pointer)} {fault.text}".strip() for fault in faults[:5])


def place_of(pointer: str) -> str:
    """Write a JSON pointer for people: `/hits/0/text` as `hits.0.text:`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return ".".join(parts) + ":" if parts else ""
