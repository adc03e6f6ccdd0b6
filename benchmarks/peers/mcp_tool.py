"""mcp: a tool call between a client and a server in one process, as `Client(server)` connects them.

They hand each other the library's models, with no JSON text between them; that over its streams in memory takes half as
long again. The client's half of the work is counted too: the library has no other way in. Arguments are checked by the
model that it makes of the tool's signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import talking
from mcp.client.client import Client
from mcp.server.mcpserver import MCPServer

server = MCPServer("knowledge")


@server.tool()
async def search(query: str, limit: int) -> list[dict[str, object]]:
    """Look something up."""
    return await talking.search(query, limit)


class Session:
    """One client, connected on first use."""

    client: Client | None = None

    async def connected(self) -> Client:
        """Give the client."""
        if self.client is None:
            self.client = await Client(server).__aenter__()
            await self.client.list_tools()
        return self.client

    async def call(self, client: Client, number: int) -> tuple[object, object]:
        """Call the tool once."""
        answer = await client.call_tool("search", talking.ARGUMENTS)
        return number, (answer.structured_content or {}).get("result")


SESSION = Session()


def one_at_a_time(number: int) -> talking.Work:
    """Send each request once the one before was answered."""

    async def work() -> Iterable[tuple[object, object]]:
        client = await SESSION.connected()
        return [await SESSION.call(client, n) for n in range(number)]

    return work


def at_once(number: int) -> talking.Work:
    """Send 100 requests at once, `number` / 100 times."""

    async def work() -> Iterable[tuple[object, object]]:
        client = await SESSION.connected()
        answers: list[tuple[object, object]] = []
        for start in range(0, number, 100):
            answers += await asyncio.gather(*(SESSION.call(client, start + n) for n in range(100)))
        return answers

    return work


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        talking.answer_runs({"one": one_at_a_time, "at-once": at_once}, runner)
