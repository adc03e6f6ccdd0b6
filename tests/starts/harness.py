"""A bot that says what it was started with, on both hosts, with everything that clients start it by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.exceptions import InvalidStatus

from rtvi_plugins import Bot, Handlers, RTVIProcessor, hookimpl
from rtvi_plugins.cli.connecting import UnreachableError, connected
from rtvi_plugins.cli.target import Target
from rtvi_plugins.server.app import BotHost
from rtvi_plugins.server.run import make_server
from rtvi_plugins.testing import Client
from tests.pipecat import serving as pipecat
from tests.pipecat.building import Folder

HOSTS: Final = ("standalone", "pipecat")

OPEN: Final = """
services:
  desk:
    options:
      first: {type: string, default: one, maxLength: 5}
      level: {type: integer, default: 1}
    actions: {started: {result: object}, settings: {result: object}}
"""
DECLARED: Final = """
$defs: {Id: {type: string, pattern: "^c-[0-9]+$"}}
start:
  customer: {$ref: "#/$defs/Id", description: Who rings.}
  level: {type: integer, minimum: 1, default: 2}
  tags: {type: array, items: {type: string}, required: false}
services:
  desk:
    options:
      first: {type: string, default: one, maxLength: 5}
      level: {type: integer, default: 1}
      who: {type: string, client: none, from: start.customer}
      depth: {type: integer, maximum: 5, from: start.level}
      labels: {type: array, client: none, default: [none], from: start.tags}
    actions: {started: {result: object}, settings: {result: object}}
"""


class Desk:
    """The plugin. `told`: what its option handlers were told, as (option, value)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    @hookimpl
    def rtvi_handlers(self) -> list[Handlers]:
        desk = Handlers("desk")
        for name in ("first", "level", "who", "depth", "labels"):
            desk.option(name)(self._note)
        desk.action("started")(self._started)
        desk.action("settings")(self._settings)
        return [desk]

    async def _note(self, processor: RTVIProcessor, service: str, option: Any) -> None:
        self.told.append((option.name, option.value))

    async def _started(self, processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> Any:
        return dict(processor.session.start)

    async def _settings(self, processor: RTVIProcessor, service: str, arguments: dict[str, Any]) -> Any:
        return dict(processor.config["desk"])


class Plugin(Desk):
    """The plugin for a bot that declares none of the options that are filled from start data."""

    @hookimpl
    def rtvi_handlers(self) -> list[Handlers]:
        desk = Handlers("desk")
        for name in ("first", "level"):
            desk.option(name)(self._note)
        desk.action("started")(self._started)
        desk.action("settings")(self._settings)
        return [desk]


def load(folder: Path, text: str, host: str, runtime: str = "") -> tuple[Bot, Desk]:
    """Load the bot for a host; `runtime`: more of its `runtime:`, in one line."""
    desk = Desk() if "from: start" in text else Plugin()
    text += f"runtime: {{responder: echo{', ' if runtime else ''}{runtime}}}\n"
    text += "pipeline: {}\n" if host == "pipecat" else ""
    return Folder(folder).bot(text, {"desk": desk}), desk


class Served:
    """A running bot and what clients do with it."""

    def __init__(self, address: str, path: str) -> None:
        self.address = address
        self.path = path
        self.http = httpx.AsyncClient(base_url=address, trust_env=False)

    async def start(self, body: Any, path: str = "/start", **request: Any) -> httpx.Response:
        how = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.http.post(path, **how, **request)

    def at(self, url: str) -> Any:
        """Connect to a WebSocket's address."""
        return connected(Target(url, must_start=False), timeout_s=10)

    def straight(self) -> Any:
        """Connect without a start."""
        return self.at(f"{self.address.replace('http', 'ws', 1)}{self.path}")


@asynccontextmanager
async def serving(bot: Bot, host: str) -> AsyncIterator[Served]:
    """Serve a bot on its host, in this event loop."""
    if host == "pipecat":
        async with pipecat.serve(bot) as running:
            served = Served(running.address, "/ws-client")
            async with served.http:
                yield served
        return
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = make_server([BotHost(bot)], port=0, on_started=address.set_result)
    task = asyncio.create_task(server.serve())
    try:
        served = Served(await address, "/ws")
        async with served.http:
            yield served
    finally:
        server.should_exit = True
        await task


async def begun(client: Client) -> tuple[Any, Any]:
    """Ask what a session began with: its start data, and the configuration."""
    started, settings = await client.action("desk", "started"), await client.action("desk", "settings")
    return started, settings


async def refused(connecting: Any) -> str:
    """Connect where that is refused; gives why."""
    try:
        async with connecting:
            pass
    except (UnreachableError, InvalidStatus) as error:
        return str(error)
    raise AssertionError("nobody refused")
