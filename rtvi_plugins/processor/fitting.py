"""What plugin code hands over, compared with what is declared: as it stands, and else in its JSON form."""

from __future__ import annotations

from typing import Any

from rtvi_plugins.processor.requests import listed
from rtvi_plugins.protocol.json_form import json_form
from rtvi_plugins.protocol.messages import NotJSONError
from rtvi_plugins.schema import ArgumentsSchema, Fault, ValueSchema, check
from rtvi_plugins.schema.bounds import is_plainly_json


def fitted(schema: ValueSchema | ArgumentsSchema, value: Any) -> tuple[Any, tuple[Fault, ...]]:
    """Return a value as it can be sent, and what is wrong with it.

    A value that fits stays what it is; one that does not gets its JSON form, and is compared again.
    Raises NotJSONError, which names a type that has no JSON form: for the log and the author, not for a client.
    """
    faults = check(schema, value)
    if not faults or is_plainly_json(value):
        return value, faults
    plain = json_form(value)
    return plain, check(schema, plain)


def fitted_or_why(schema: ValueSchema | ArgumentsSchema, value: Any) -> tuple[Any, str]:
    """Return a value as it can be sent, and in words for the log why it cannot; empty when it can."""
    try:
        plain, faults = fitted(schema, value)
    except NotJSONError as error:
        return value, str(error)
    return plain, listed(faults, 5)
