"""A bot with tools, and a client that talks to it: the real processor between our provider and the responder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rtvi_plugins import ActionError, Bot, Handlers, hookimpl
from rtvi_plugins.testing import Client, connect

from .provider import Provider

KEY = "sk-proj-Zm9vYmFyNDIxMzM3-do-not-tell"

MANIFEST = """
manifest: 1
bot: home
services:
  home:
    plugin: home
    actions:
      add: {tool: true, description: Adds., arguments: {a: integer, b: {type: integer, default: 1}}, result: integer}
      meet: {tool: true, arguments: {who: string}}
      wait: {tool: true}
      refuse: {tool: true}
      crash: {tool: true}
      long: {tool: true}
      hidden: {}
functions:
  locate:
    description: Where the guest is.
    arguments: {accuracy: {type: string, default: coarse}}
    result: {type: object, required: [lat]}
    timeout: 5s
runtime:
  responder: {use: openai, settings: SETTINGS}
"""


class Home:
    """The plugin. `meeting` holds two calls of `meet` until both are there; `added` and `waiting` are set when `add`
    was done and when `wait` hangs."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self.meeting: asyncio.Barrier | None = None
        self.met = asyncio.Event()
        self.added = asyncio.Event()
        self.waiting = asyncio.Event()

    @hookimpl
    def rtvi_handlers(self) -> Iterable[Handlers]:
        home = Handlers("home")

        @home.action("add")
        async def add(_processor: Any, *, a: int, b: int) -> int:
            self.ran.append(("add", {"a": a, "b": b}))
            self.added.set()
            return a + b

        @home.action("meet")
        async def meet(_processor: Any, *, who: str) -> Any:
            self.meeting = self.meeting or asyncio.Barrier(2)
            place = await self.meeting.wait()
            if who == "first":
                await self.met.wait()  # be done last
            self.met.set()
            return [who, place >= 0]

        @home.action("wait")
        async def wait(_processor: Any) -> None:
            self.waiting.set()
            await asyncio.Event().wait()

        @home.action("refuse")
        async def refuse(_processor: Any) -> None:
            raise ActionError("The door is locked")

        @home.action("crash")
        async def crash(_processor: Any) -> None:
            raise RuntimeError(f"secret {KEY}")

        @home.action("long")
        async def long(_processor: Any) -> str:
            return "x" * 200_000

        @home.action("hidden")
        async def hidden(_processor: Any) -> None:
            self.ran.append(("hidden", {}))

        return [home]


class Talk:
    """One client of one bot."""

    def __init__(self, client: Client, home: Home, provider: Provider) -> None:
        self.client = client
        self.home = home
        self.provider = provider

    async def say(self, text: str) -> str:
        """Say something and give the bot's answer; the `error` that goes with it has arrived as well."""
        answer = await self.client.send_text(text)
        turn = self.client.processor._turn  # type: ignore[attr-defined]
        if turn is not None:
            await asyncio.wait([turn.task])
        return answer

    @property
    def errors(self) -> list[str]:
        return [m["data"]["error"] for m in self.client.received if m["type"] == "error"]

    @property
    def results(self) -> list[Any]:
        """The tool results in the newest request, in order."""
        return [json.loads(m["content"]) for m in self.provider.context if m["role"] == "tool"]

    def roles(self) -> list[str]:
        return [m["role"] for m in self.provider.context]


def load(folder: Path, settings: dict[str, Any], home: Home) -> Bot:
    path = folder / "home.yaml"
    path.write_text(MANIFEST.replace("SETTINGS", json.dumps(settings)), encoding="utf-8")
    return Bot.load(path, plugins={"home": home}, environ={"KEY": KEY})


@asynccontextmanager
async def talking(
    folder: Path, provider: Provider, *, version: str | None = "2.1.0", **settings: Any
) -> AsyncIterator[Talk]:
    """Open a session of the bot `home`, answered by a provider."""
    given = {"base_url": provider.url, "model": "m", "api_key": "${env:KEY}", "max_retries": 0, **settings}
    home = Home()
    async with connect(load(folder, given, home), version=version) as client:
        yield Talk(client, home, provider)
