"""Server CPU for one action's round trip over WebSocket, against a bare server that answers with the floor.

Each connection sends its next request when the last was answered. What the client needs is not counted: it is another
process.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial

import uvloop

from benchmarks import bot as measured
from benchmarks.client import BINARY, TEXT, WebSocketClient, close_all, connect_many, frame
from benchmarks.servers import Running, running
from benchmarks.timing import Plan, Result, compare
from rtvi_plugins.server.codec import Frame

AIM = 1.25
CONNECTIONS = (1, 100)
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "JSON": lambda text: frame(text, TEXT),
    "protobuf": lambda text: frame(Frame(message={"data": text}).SerializeToString(), BINARY),
}
READY = b'{"label":"rtvi-ai","type":"client-ready","id":"ready","data":{"version":"2.1.0","about":{"library":"bench"}}}'


async def round_trips(clients: list[WebSocketClient], requests: list[bytes], number: int) -> None:
    """Let every connection send requests one after the other until `number` were answered altogether."""
    done = asyncio.get_running_loop().create_future()
    coming = itertools.cycle(requests)
    to_send, to_come = number, number

    def start(client: WebSocketClient) -> None:
        nonlocal to_send
        if to_send > 0:
            to_send -= 1
            client.send(next(coming))

    def answered_on(client: WebSocketClient) -> Callable[[bytes], None]:
        def answered(_payload: bytes) -> None:
            nonlocal to_come
            to_come -= 1
            if to_come == 0:
                done.set_result(None)
            start(client)

        return answered

    for client in clients:
        client.on_message = answered_on(client)
    for client in clients:
        start(client)
    await asyncio.wait_for(done, 120)


def _cpu_per_trip(
    runner: asyncio.Runner, server: Running, clients: list[WebSocketClient], requests: list[bytes], number: int
) -> float:
    before = server.figures()["cpu_s"]
    runner.run(round_trips(clients, requests, number))
    return (server.figures()["cpu_s"] - before) * 1e6 / number


def measure(plan: Plan) -> list[Result]:
    """Measure both encodings at each number of connections."""
    results: list[Result] = []
    with running("ours") as ours, running("bare") as bare, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for connections in CONNECTIONS:
            for encoding, framed in ENCODINGS.items():
                mine = runner.run(_ready(connections, ours.port, framed))
                theirs = runner.run(connect_many(connections, "/ws", bare.port))
                requests = [framed(measured.request("client-message", n).encode()) for n in range(100)]
                number = max(plan.times(5_000), 2 * connections)
                result = compare(
                    "ws",
                    f"{encoding}, {connections} connection{'s' if connections > 1 else ''}",
                    partial(_cpu_per_trip, runner, ours, mine, requests, number),
                    partial(_cpu_per_trip, runner, bare, theirs, requests, number),
                    plan=plan,
                    unit="us",
                    aim=AIM,
                )
                results.append(result)
                runner.run(close_all([*mine, *theirs]))
    return results


async def _ready(connections: int, port: int, framed: Callable[[bytes], bytes]) -> list[WebSocketClient]:
    """Open sessions and do the handshake of each."""
    clients = await connect_many(connections, "/ws", port)
    for client in clients:
        answer = await client.ask(framed(READY))
        assert b"bot-ready" in answer, answer
    return clients
