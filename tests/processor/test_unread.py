"""Bytes that a client has not read are bounded, for one client and for all: one message too many and it is dropped."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from rtvi_plugins import Bot
from rtvi_plugins.processor.memory import OUTGOING
from rtvi_plugins.server.app import BotHost

pytestmark = pytest.mark.standalone("each host has a port of its own; this is the server's")

LIMIT: Final = 65_536
MESSAGE: Final = 8_192


class Peer:
    """A client at the other end of an ASGI connection, who reads only while `reads` is set."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.received: list[dict[str, Any]] = []

    async def send(self, event: Any) -> None:
        await self.reads.wait()
        self.received.append(event)


@asynccontextmanager
async def connected(host: BotHost) -> AsyncIterator[tuple[Peer, Any]]:
    """Open a connection; give its client and its processor. It takes what was said by its end."""
    peer = Peer()
    before = set(host.connections)
    scope = {"type": "websocket", "scheme": "ws", "path": "/ws", "query_string": b"", "headers": [(b"host", b"x")]}
    peer.incoming.put_nowait({"type": "websocket.connect"})
    running = asyncio.create_task(host({**scope, "client": ("127.0.0.1", 1)}, peer.incoming.get, peer.send))
    while not host.connections - before:
        await asyncio.sleep(0)
    (connection,) = host.connections - before
    await settled()
    try:
        yield peer, connection.processor
    finally:
        peer.reads.set()
        peer.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await running


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def bot(folder: Path, **limits: Any) -> BotHost:
    path = folder / "bot.yaml"
    path.write_text(json.dumps({"manifest": 1, "bot": "b", "functions": {"f": {}}, "runtime": {"limits": limits}}))
    return BotHost(Bot.load(path), hosts=("x",))


async def say(processor: Any, count: int, size: int = MESSAGE) -> None:
    """Send messages of exactly so many bytes."""
    bare = len(json.dumps({"label": "rtvi-ai", "type": "server-message", "data": ""}, separators=(",", ":")))
    for _ in range(count):
        await processor.send_server_message("x" * (size - bare))


def told(peer: Peer) -> int:
    """Count the messages that the client has read."""
    return len([event for event in peer.received if event["type"] == "websocket.send"])


async def test_so_many_bytes_wait_for_a_client_that_does_not_read(tmp_path: Path) -> None:
    host = bot(tmp_path, max_outgoing_bytes=LIMIT)
    async with connected(host) as (peer, processor):
        for _ in range(3):  # what was read makes room again
            peer.received.clear()
            peer.reads.clear()
            await say(processor, LIMIT // MESSAGE)
            await settled()
            peer.reads.set()
            await settled()
            assert told(peer) == LIMIT // MESSAGE
        peer.reads.clear()
        await say(processor, LIMIT // MESSAGE)
        assert not next(iter(host.connections)).is_closed
        await say(processor, 1, 100)
        assert next(iter(host.connections)).is_closed
    assert not host.connections


async def test_so_many_messages_wait_for_a_client_that_does_not_read(tmp_path: Path) -> None:
    host = bot(tmp_path, max_outgoing=16)
    async with connected(host) as (peer, processor):
        peer.reads.clear()
        await say(processor, 16, 100)
        assert not next(iter(host.connections)).is_closed
        await say(processor, 1, 100)
        assert next(iter(host.connections)).is_closed


async def test_so_many_bytes_wait_for_all_clients(tmp_path: Path) -> None:
    gc.collect()
    before = OUTGOING.used
    host = bot(tmp_path, max_outgoing_bytes_total=1024 * 1024 + before)
    for _ in range(3):  # what clients that have gone did not read counts no longer
        async with connected(host) as (first, one):
            first.reads.clear()
            await say(one, 3, 256 * 1024)
            (connection,) = host.connections
            async with connected(host) as (second, other):
                second.reads.clear()
                await say(other, 1, 256 * 1024)
                assert not [c for c in host.connections if c.is_closed]
                await say(other, 1, 100)
                assert [c.is_closed for c in host.connections if c is not connection] == [True]
            assert not connection.is_closed
            await say(one, 1, 256 * 1024)  # the place of the other is free
            assert not connection.is_closed
            await settled()
            first.reads.set()
            await settled()
            assert told(first) == 4
        assert OUTGOING.used == before
