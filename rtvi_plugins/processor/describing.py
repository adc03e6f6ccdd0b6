"""`describe-bot`: everything a bot offers, in one answer. Of this package, not of RTVI.

RTVI lets a client ask for options and actions; messages, functions and what bot and page say to each other had to be
known beforehand. A generated page, or any other client that adapts itself, learns here what it may show. The answer
holds what clients may know: names, descriptions and schemas; no hidden options, no values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtvi_plugins.processor.requests import Request
from rtvi_plugins.protocol.messages import ServerType

if TYPE_CHECKING:
    from rtvi_plugins.processor.core import RTVIProcessor
    from rtvi_plugins.processor.message_types import FunctionType
    from rtvi_plugins.processor.tables import RTVIAction, Tables


def on_describe_bot(processor: RTVIProcessor, id_: str, _data: Any) -> None:
    """Answer `describe-bot`."""
    answer(processor, Request(id_))


def answer(processor: RTVIProcessor, request: Request) -> None:
    """Answer with the description of this session's bot."""
    described = describe(processor._tables) | {"answers_text": processor.answers_text}
    processor.answer(request, request.answer(ServerType.BOT_DESCRIPTION, described))


def describe(tables: Tables) -> dict[str, Any]:
    """Describe a bot to its clients: `services` as their own request does, `actions` and their limits, the rest."""
    return {
        "bot": tables.name,
        "description": tables.description,
        "services": tables.config_available,
        "actions": actions(tables),
        "messages": messages(tables),
        "functions": [function(one) for one in tables.functions.values()],
        "ui": ui(tables),
    } | ({} if tables.start is None else {"start": tables.start.document})


def actions(tables: Tables) -> list[dict[str, Any]]:
    """Describe the actions: the entries of `actions-available`, and beside RTVI's fields what bounds a call."""
    return [
        entry | limits(action) for entry, action in zip(tables.actions_available, tables.actions.values(), strict=True)
    ]


def limits(action: RTVIAction) -> dict[str, Any]:
    """Say how long a call may take, in seconds, and whether calls of a session wait for each other."""
    return {"timeout": action.timeout} | ({} if action.serial is None else {"concurrency": "serial"})


def messages(tables: Tables) -> list[dict[str, Any]]:
    """Describe the declared `client-message` types."""
    return [
        {
            "name": one.name,
            "description": one.description,
            "data": one.data.document,
            "result": one.result.document,
            "timeout": one.timeout,
        }
        for one in tables.messages.values()
    ]


def ui(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    """Describe what bot (`commands`) and page (`events`) say to each other."""
    return {
        "commands": [{"name": name, "payload": payload.document} for name, payload in tables.ui_commands.items()],
        "events": [
            {"name": one.name, "description": one.description, "payload": one.payload.document}
            for one in tables.ui_events.values()
        ],
    }


def function(one: FunctionType) -> dict[str, Any]:
    """Describe a function as the wire describes an action."""
    document = one.arguments.document
    return {
        "name": one.name,
        "description": one.description,
        "arguments": [
            {"name": name, "type": described.rtvi_type, "required": name in document.get("required", ())}
            | ({"default": one.arguments.defaults[name]} if name in one.arguments.defaults else {})
            for name, described in one.arguments.properties.items()
        ],
        "schema": document,
        "result_schema": one.result.document,
        "timeout": one.timeout,
    }
