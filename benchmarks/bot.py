"""The bot that is measured, and the floor: the least that anybody has to do for the same answer.

The floor reads JSON, looks the action up, checks its arguments with a compiled schema, awaits the handler and writes
JSON. It has no time-out, no result check, no error path, no limit and no session.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import orjson

from benchmarks.peers import talking
from rtvi_plugins import Bot, Handlers, StartupError, hookimpl, load_bots
from rtvi_plugins.hooks.host import PluginHost

MANIFEST = """\
manifest: 1
bot: measured
runtime: {limits: {max_sessions: 100000}}
services:
  knowledge:
    plugin: measured
    options:
      language: {type: string, enum: [en, de], default: en, mutable: never}
    actions:
      search: &search
        arguments:
          query: {type: string, minLength: 1}
          limit: {type: integer, minimum: 1, maximum: 50}
        result: {type: array, items: {type: object}}
      wait: *search
      pause: *search
      linger: *search
"""

_ARGUMENTS = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50},
    },
    "required": ["query", "limit"],
    "additionalProperties": False,
}

Dialect = str
DIALECTS: tuple[Dialect, ...] = ("action", "client-message")
"""The legacy request, and the short form of a `client-message`."""


class Gate:
    """What held-up handlers wait for; the measurement opens it."""

    opening: asyncio.Future[None]

    def close(self) -> None:
        """Hold up every handler from now on."""
        self.opening = asyncio.get_running_loop().create_future()


GATE = Gate()
handlers = Handlers("knowledge")


@handlers.action("search")
async def search(processor: object, *, query: str, limit: int) -> list[dict[str, Any]]:  # noqa: ARG001
    """Answer without waiting."""
    return [{"text": query, "score": limit}]


@handlers.action("wait")
async def wait(processor: object, *, query: str, limit: int) -> list[dict[str, Any]]:  # noqa: ARG001
    """Answer once the gate is open."""
    await GATE.opening
    return [{"text": query, "score": limit}]


@handlers.action("pause")
async def pause(processor: object, *, query: str, limit: int) -> list[dict[str, Any]]:  # noqa: ARG001
    """Answer after 5 ms."""
    return await talking.pause(query, limit)


@handlers.action("linger")
async def linger(processor: object, *, query: str, limit: int) -> list[dict[str, Any]]:  # noqa: ARG001
    """Answer after half a second."""
    return await talking.linger(query, limit)


class Plugin:
    """Supplies the handlers, and a middleware hook with nothing in it."""

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        """Give the handlers."""
        return [handlers]

    @hookimpl
    def rtvi_middleware(self) -> Iterable[Callable[..., Awaitable[Any]]]:
        """Give none."""
        return []


def load() -> Bot:
    """Bind the measured bot."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.yaml"
        path.write_text(MANIFEST, encoding="utf-8")
        # No installed plugin takes part: its middleware would be measured too.
        host = PluginHost.discover({"measured": Plugin()}, only=())
        bots, problems = load_bots([path], host=host, environ={})
    if problems:
        raise StartupError(problems)
    return bots[0]


def request(dialect: Dialect, number: int = 0, action: str = "search") -> str:
    """Give one request as JSON text."""
    arguments = talking.ARGUMENTS
    if dialect == "action":
        listed = [{"name": name, "value": value} for name, value in arguments.items()]
        data: dict[str, Any] = {"service": "knowledge", "action": action, "arguments": listed}
    else:
        data = {"t": f"knowledge.{action}", "d": arguments}
    return orjson.dumps({"label": "rtvi-ai", "type": dialect, "id": f"{number:08x}", "data": data}).decode()


_HANDLERS = {("knowledge", "search"): search, ("knowledge", "wait"): wait, ("knowledge", "pause"): pause}
_IS_VALID = jsonschema_rs.Draft202012Validator(_ARGUMENTS).is_valid
_SESSION = SimpleNamespace()


async def floor_action(text: str | bytes) -> bytes:
    """Answer a legacy `action`, with nothing but what the answer needs."""
    message = orjson.loads(text)
    data = message["data"]
    handler = _HANDLERS[data["service"], data["action"]]
    arguments = {entry["name"]: entry["value"] for entry in data["arguments"]}
    if not _IS_VALID(arguments):
        raise ValueError
    result = await handler(_SESSION, **arguments)
    answer = {"label": "rtvi-ai", "type": "action-response", "id": message["id"], "data": {"result": result}}
    return orjson.dumps(answer)


async def floor_client_message(text: str | bytes) -> bytes:
    """Answer a `client-message` in the short form, with nothing but what the answer needs."""
    message = orjson.loads(text)
    data = message["data"]
    t = data["t"]
    service, _, action = t.partition(".")
    handler = _HANDLERS[service, action]
    arguments = data["d"]
    if not _IS_VALID(arguments):
        raise ValueError
    result = await handler(_SESSION, **arguments)
    answer = {"label": "rtvi-ai", "type": "server-response", "id": message["id"], "data": {"t": t, "d": result}}
    return orjson.dumps(answer)


FLOORS = {"action": floor_action, "client-message": floor_client_message}
