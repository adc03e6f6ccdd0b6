"""Memory per connected session over real WebSockets, against Starlette's echo on the same server.

Resident memory of the server's process, read before and after 300 sessions that did their handshake and one action
each. 20 sessions stay open from before, so that what the first ones load is not counted.
"""

from __future__ import annotations

import asyncio
import statistics

import uvloop

from benchmarks import bot as measured
from benchmarks.client import WebSocketClient, close_all, connect_many, frame
from benchmarks.servers import Running, running
from benchmarks.timing import Plan, Result, summed_up
from benchmarks.ws import READY

AIM_KIB = 40
SESSIONS = 300
WARM_UP = 20


async def _open(number: int, path: str, port: int) -> list[WebSocketClient]:
    clients = await connect_many(number, path, port)
    request = frame(measured.request("client-message").encode())
    for client in clients:
        assert b"ready" in await client.ask(frame(READY))
        assert b"score" in await client.ask(request) or path == "/echo"
    return clients


async def _kib_per_session(path: str, server: Running) -> float:
    clients = await _open(WARM_UP, path, server.port)
    before = await asyncio.to_thread(server.figures, collected=True)
    clients += await _open(SESSIONS, path, server.port)
    after = await asyncio.to_thread(server.figures, collected=True)
    await close_all(clients)
    return (after["rss_kib"] - before["rss_kib"]) / SESSIONS


def _fresh(which: str, path: str) -> float:
    """Measure in a new process: memory that earlier sessions left free would hide what new ones take."""
    with running(which) as server:
        return uvloop.run(_kib_per_session(path, server))


def measure(plan: Plan) -> list[Result]:
    """Measure in alternating rounds, each in processes of its own."""
    rounds = 1 if plan.is_smoke else plan.rounds
    pairs = [(_fresh("ours", "/ws"), _fresh("bare", "/echo")) for _ in range(rounds)]
    spread = statistics.pstdev(pair[0] for pair in pairs)
    result = summed_up("sessions", f"memory of one of {SESSIONS}", pairs, unit="KiB", judged="ours", aim=AIM_KIB)
    return [result.with_note(f"spread {spread:.2f}")]
