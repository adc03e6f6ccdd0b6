"""Descriptions of bots, in the form in which a running bot describes itself; and their tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from rtvi_plugins.cli.schemas import bounds_of, shown, type_of
from rtvi_plugins.cli.tables import Table
from rtvi_plugins.cli.values import argument_schemas
from rtvi_plugins.processor import describing
from rtvi_plugins.schema import MISSING, Document

if TYPE_CHECKING:
    from rtvi_plugins.binding import Bot


def of_manifest(bot: Bot) -> dict[str, Any]:
    """Describe a bound bot: what its clients are told, and what its owner may know besides."""
    services = []
    for service in bot.tables.services.values():
        options = []
        for option in service.options:
            entry = option.describe()
            initial = bot.tables.initial[service.name]
            if not option.secret:
                entry |= {} if option.default is MISSING else {"default": option.default}
                entry |= {"initial": initial[option.name]} if option.name in initial else {}
            options.append(entry)
        services.append(service.describe() | {"options": options})
    return describing.describe(bot.tables) | {"services": services}


_OPTIONS: Final = ("option", "type", "default", "values", "unit", "mutable", "client", "description")
_ARGUMENTS: Final = ("argument", "type", "default", "values", "unit", "description")


def tables(described: dict[str, Any]) -> Iterator[Table]:
    """Give the tables of a description; a bot that describes itself in another form may raise all sorts of errors."""
    yield Table(described["bot"], described["description"], (), ())
    for service in described["services"]:
        yield Table(
            f"service {service['name']}",
            str(service.get("description", "")),
            _OPTIONS,
            [_option_row(option) for option in service["options"]],
        )
    for action in described["actions"]:
        schemas = argument_schemas([action], action["service"], action["action"])
        rows = [_argument_row(argument, schemas[argument["name"]]) for argument in action["arguments"]]
        result = action.get("result_schema", {"type": action.get("result")})
        rows.append(["-> result", type_of(result), "", bounds_of(result), "", _text(result)])
        marks = "".join(f", {mark}" for mark in ("job", "tool") if action.get(mark))
        heading = f"action {action['service']}.{action['action']}{marks}"
        yield Table(heading, str(action.get("description", "")), _ARGUMENTS, rows)
    for message in described.get("messages", ()):
        rows = [
            [label, type_of(message[key]), "", bounds_of(message[key]), "", _text(message[key])]
            for label, key in (("data", "data"), ("-> result", "result"))
        ]
        yield Table(f"message {message['name']}", message["description"], ("", *_ARGUMENTS[1:]), rows)

    for function in described.get("functions", ()):
        properties = function["schema"]["properties"]
        rows = [_argument_row(argument, properties[argument["name"]]) for argument in function["arguments"]]
        result = function["result_schema"]
        rows.append(["-> result", type_of(result), "", bounds_of(result), "", _text(result)])
        yield Table(f"function {function['name']}", function["description"], _ARGUMENTS, rows)
    for kind in ("commands", "events"):
        for entry in described.get("ui", {}).get(kind, ()):
            payload = entry["payload"]
            row = ["payload", type_of(payload), "", bounds_of(payload), "", _text(payload)]
            yield Table(f"ui {kind[:-1]} {entry['name']}", entry.get("description", ""), ("", *_ARGUMENTS[1:]), [row])


def _option_row(option: dict[str, Any]) -> list[str]:
    schema = option.get("schema", {"type": option["type"]})
    default = shown(option["default"]) if "default" in option else "(secret)" if option.get("secret") else ""
    if "initial" in option and option["initial"] != option.get("default"):
        default = f"{default} (begins as {shown(option['initial'])})".lstrip()
    return [
        option["name"],
        type_of(schema),
        default,
        bounds_of(schema),
        str(option.get("unit", "")),
        str(option.get("mutable", "live")),
        str(option.get("client", "write")),
        str(option.get("description", "")),
    ]


def _argument_row(argument: dict[str, Any], schema: Document) -> list[str]:
    default = shown(argument["default"]) if "default" in argument else "required" if argument.get("required") else ""
    return [
        argument["name"],
        type_of(schema),
        default,
        bounds_of(schema),
        str(argument.get("x-unit", "")),
        str(argument.get("description", "")),
    ]


def _text(schema: object) -> str:
    return str(schema.get("description", "")) if isinstance(schema, dict) else ""
