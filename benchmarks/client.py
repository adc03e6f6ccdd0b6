"""A WebSocket client that costs next to nothing, so that the servers are what is measured.

It sends frames made beforehand (masked with zeros, which leaves the payload as it is) and counts complete answers.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Callable

OPENING = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Make one frame of a client."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + bytes(4) + payload


class WebSocketClient(asyncio.Protocol):
    """One connection. `on_message` gets the payload of each message; `opened` and `closed` are awaitable."""

    def __init__(self, path: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.on_message: Callable[[bytes], None] = lambda _payload: None
        self._opening = OPENING.format(path=path, port=port, key=base64.b64encode(os.urandom(16)).decode())
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(self._opening.encode())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Note the end."""
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the server refused the connection"))
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take in bytes: the answer to the upgrade, then frames."""
        self._data = data = self._data + data if self._data else data
        if not self.opened.done():
            end = data.find(b"\r\n\r\n")
            if end < 0:
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(data[:100].decode("latin-1")))
                self.transport.close()
                return
            data = data[end + 4 :]
            self.opened.set_result(None)
        while len(data) >= 2:
            size, start = data[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(data[2:10], "big"), 10
            if len(data) < start + size:
                break
            payload, opcode, data = data[start : start + size], data[0] & 15, data[start + size :]
            if opcode in (TEXT, BINARY):
                self.on_message(payload)
            elif opcode == PING:
                self.transport.write(frame(payload, 10))
        self._data = data

    def send(self, framed: bytes) -> None:
        """Send a frame."""
        self.transport.write(framed)

    async def ask(self, framed: bytes, expected: bytes = b"") -> bytes:
        """Send a frame and wait for a message that contains what is expected, at most half a minute."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def take(payload: bytes) -> None:
            if expected in payload and not answer.done():
                answer.set_result(payload)

        self.on_message = take
        self.send(framed)
        return await asyncio.wait_for(answer, 30)


async def connect(path: str, port: int) -> WebSocketClient:
    """Open a connection."""
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: WebSocketClient(path, port), "127.0.0.1", port
    )
    await asyncio.wait_for(client.opened, 30)
    return client


async def connect_many(number: int, path: str, port: int) -> list[WebSocketClient]:
    """Open connections one after the other."""
    return [await connect(path, port) for _ in range(number)]


async def close_all(clients: list[WebSocketClient]) -> None:
    """Say goodbye and wait until the server has."""
    for client in clients:
        client.send(frame(struct.pack("!H", 1000), CLOSE))
    if clients:
        await asyncio.wait([client.closed for client in clients], timeout=30)
    for client in clients:
        client.transport.close()
