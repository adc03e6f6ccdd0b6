"""Values on the command line: `name=value` pairs, read by the schemas that a bot describes.

The bot is the judge of what fits; here text only becomes JSON of the type the bot asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from rtvi_plugins.cli.schemas import type_of
from rtvi_plugins.schema import RTVI_TYPES, Document, normalise, parse_text


class BadValueError(ValueError):
    """A pair or its value is wrong; the text names it."""


def split_pairs(pairs: Iterable[str], what: str) -> dict[str, str]:
    """Take `name=value` texts apart. Raises BadValueError for one without `=`, without a name, or given twice."""
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise BadValueError(f"'{pair}' is no {what}; expected name=value")
        if name in given:
            raise BadValueError(f"{what} '{name}' is given twice")
        given[name] = text
    return given


def split_options(pairs: Iterable[str]) -> dict[tuple[str, str], str]:
    """Take `service.option=value` texts apart. Raises BadValueError."""
    given: dict[tuple[str, str], str] = {}
    for name, text in split_pairs(pairs, "option").items():
        service, dot, option = name.partition(".")
        if not dot or not service or not option:
            raise BadValueError(f"'{name}' is no option; expected service.option=value")
        given[service, option] = text
    return given


def read_object(text: str) -> dict[str, Any]:
    """Read a JSON object. Raises BadValueError."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadValueError(f"not JSON{where}") from None
    if not isinstance(value, dict):
        raise BadValueError("expected a JSON object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def read_value(schema: Document, text: str, name: str) -> Any:
    """Read one value. Raises BadValueError, which names what it is for and the described type."""
    try:
        return parse_text(schema, text)
    except ValueError as error:
        raise BadValueError(f"{name} ({type_of(schema)}): {error}") from None


def argument_schemas(actions: Iterable[Mapping[str, Any]], service: str, action: str) -> dict[str, Document]:
    """Find the schemas of an action's arguments in what the bot describes; empty for one it does not have."""
    for entry in actions:
        if (entry.get("service"), entry.get("action")) == (service, action):
            whole = entry.get("schema")
            properties = whole.get("properties", {}) if isinstance(whole, dict) else {}
            shared = {key: whole[key] for key in ("$defs", "$id") if key in whole} if isinstance(whole, dict) else {}
            return {
                argument["name"]: _usable(properties.get(argument["name"]), argument.get("type"), shared)
                for argument in entry.get("arguments", ())
            }
    return {}


def read_start(bot: Mapping[str, Any], start: Mapping[str, str]) -> dict[str, Any]:
    """Read start data, given as text, as the bot describes it. Raises BadValueError."""
    whole = bot.get("start_schema")
    whole = whole if isinstance(whole, dict) else {}
    properties = whole.get("properties")
    declared = properties if isinstance(properties, dict) else {}
    shared = {key: whole[key] for key in ("$defs", "$id") if key in whole}
    return {name: read_value(_usable(declared.get(name), None, shared), text, name) for name, text in start.items()}


def option_schemas(services: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Document]:
    """Find the schemas of all options in what the bot describes."""
    return {
        (service["name"], option["name"]): _usable(option.get("schema"), option.get("type"), {})
        for service in services
        for option in service["options"]
    }


ANY: Final[Document] = {}


def _usable(schema: object, rtvi_type: object, shared: Mapping[str, Any]) -> Document:
    """Give a schema as `parse_text` wants it; the RTVI type's where there is none, as with older bots."""
    if isinstance(schema, dict | bool):
        try:
            return normalise({**shared, **schema} if isinstance(schema, dict) else schema)
        except ValueError:
            return ANY
    # `object` on the old wire is any type as well.
    known = rtvi_type in RTVI_TYPES and rtvi_type != "object"
    return normalise({"type": rtvi_type}) if known else ANY
