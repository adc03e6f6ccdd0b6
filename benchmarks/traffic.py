"""Sessions and round trips over WebSocket, as clients see them. Every answer is checked."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import bot as measured
from benchmarks.client import BINARY, TEXT, WebSocketClient, connect_many, frame
from benchmarks.peers import talking
from rtvi_plugins.server.codec import Frame

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "JSON": lambda text: frame(text, TEXT),
    "protobuf": lambda text: frame(Frame(message={"data": text}).SerializeToString(), BINARY),
}
COMPACT, SPACED = (
    json.dumps(talking.RESULT, separators=separators).encode() for separators in ((",", ":"), (", ", ": "))
)
"""The right result as JSON text, without spaces, and with them as Pipecat writes it."""

PATIENCE_S = 300


def ready(version: str) -> bytes:
    """Give the handshake of a client that speaks this version of the protocol."""
    return talking.message("client-ready", "ready", {"version": version, "about": {"library": "bench"}}).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to send, and what its answer has to contain."""

    framed: bytes
    id: bytes


def make_requests(encoding: str, dialect: str = "client-message", action: str = "search") -> list[Request]:
    """Make 100 requests that differ in their ids."""
    return [
        Request(ENCODINGS[encoding](measured.request(dialect, n, action).encode()), f'"{n:08x}"'.encode())
        for n in range(100)
    ]


async def open_sessions(number: int, port: int, encoding: str, version: str = "2.1.0") -> list[WebSocketClient]:
    """Connect, and do the handshake of each."""
    clients = await connect_many(number, "/ws", port)
    for client in clients:
        await client.ask(ENCODINGS[encoding](ready(version)), b'"bot-ready"')
    return clients


async def round_trips(
    clients: Sequence[WebSocketClient],
    requests: Sequence[Request],
    number: int,
    *,
    depth: int = 1,
    is_ordered: bool = True,
) -> list[float]:
    """Let every connection send its next request when one was answered, until `number` were answered altogether.

    depth:      requests that each connection has under way.
    is_ordered: whether answers have to come in the order of the requests.
    Returns:    the seconds each took.
    Raises ValueError when an answer is wrong.
    """
    done = asyncio.get_running_loop().create_future()
    coming = itertools.cycle(requests)
    to_send = number
    took: list[float] = []

    def attach(client: WebSocketClient) -> Callable[[], None]:
        under_way: list[tuple[bytes, float]] = []

        def start() -> None:
            nonlocal to_send
            if to_send > 0:
                to_send -= 1
                request = next(coming)
                under_way.append((request.id, time.perf_counter()))
                client.send(request.framed)

        def answered(payload: bytes) -> None:
            if b"-response" not in payload:
                return  # Pipecat tells of more than it is asked
            place = 0 if is_ordered else next((n for n, (id_, _) in enumerate(under_way) if id_ in payload), 0)
            id_, since = under_way.pop(place)
            took.append(time.perf_counter() - since)
            if id_ not in payload or not (COMPACT in payload or SPACED in payload):
                if not done.done():
                    done.set_exception(ValueError(f"a wrong answer to {id_!r}: {payload[:200]!r}"))
                return
            if len(took) == number:
                done.set_result(None)
            start()

        client.on_message = answered
        return start

    starts = [attach(client) for client in clients]
    for start in itertools.chain.from_iterable(itertools.repeat(starts, depth)):
        start()
    await asyncio.wait_for(done, PATIENCE_S)
    return took
