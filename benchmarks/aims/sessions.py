"""Aim 3, first half: what a connected session weighs, how long it takes to set up, how many fit into a GiB.

Memory is what the server's process gained, resident, after a garbage collection, divided by the sessions that were
opened, each with its handshake and one action. 20 sessions stay open from before, so that what the first ones load is
not counted. Every round has new processes: memory that earlier sessions left free would hide what new ones take.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial

import uvloop

from benchmarks.client import WebSocketClient, close_all, connect_many
from benchmarks.descriptors import allow_sockets
from benchmarks.environments import CURRENT, ORIGINAL
from benchmarks.lines import Line, Spread
from benchmarks.parties import Party, ours, peer
from benchmarks.timing import Plan, Sample, take_turns
from benchmarks.traffic import make_requests, open_sessions, round_trips

MOST_KIB = 32.0
LEAST_IN_A_GIB = 30_000
MOST_SET_UP_MS = 2.0
WARM_UP, SESSIONS, LIVE, SET_UPS = 20, 300, 5_000, 100
PIPECAT_SESSIONS = 100
GIB_IN_KIB = 1 << 20


async def _open(number: int, server: Party) -> list[WebSocketClient]:
    """Open sessions and let each of them do an action. The name of the server says how."""
    dialect = "action" if server.name == ORIGINAL else "client-message"
    if server.name in (ORIGINAL, CURRENT):
        clients = await open_sessions(number, server.port, "protobuf", "1.0.0")
        await round_trips(clients, make_requests("protobuf", dialect), number)
    else:
        if server.name == "bare server":
            clients = await connect_many(number, "/ws", server.port)
        else:
            clients = await open_sessions(number, server.port, "JSON")
        await round_trips(clients, make_requests("JSON"), number)
    return clients


def start(name: str) -> AbstractContextManager[Party]:
    """Start a server: ours, the bare one, or a release of Pipecat."""
    if name in (ORIGINAL, CURRENT):
        return peer(name, "pipecat_server.py")
    return ours("ours.servers", "bare" if name == "bare server" else "ours", name=name)


def _weigh(name: str, number: int) -> Sample:
    with start(name) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        clients = runner.run(_open(WARM_UP, server))
        before = server.figures(collected=True)["rss_kib"]
        clients += runner.run(_open(number, server))
        after = server.figures(collected=True)["rss_kib"]
        runner.run(close_all(clients))
    each = (after - before) / number
    return {"kib": each, "in_a_gib": (GIB_IN_KIB - before) / each}


def _set_up(runner: asyncio.Runner, server: Party, number: int) -> Sample:
    before, began = server.figures()["cpu_s"], time.perf_counter()
    clients = runner.run(_open(number, server))
    wall_s, cpu_s = time.perf_counter() - began, server.figures()["cpu_s"] - before
    runner.run(close_all(clients))
    return {"wall_ms": wall_s * 1e3 / number, "cpu_ms": cpu_s * 1e3 / number}


def measure(plan: Plan) -> list[Line]:
    """Weigh sessions, hold thousands, and time their setting up."""
    theirs = [name for name in (ORIGINAL, CURRENT) if name in plan.peers]
    return [*_memory(plan, theirs), _live(plan), *_setting_up(plan, theirs)]


def _memory(plan: Plan, theirs: list[str]) -> list[Line]:
    contestants: dict[str, Callable[[], Sample]] = {
        name: partial(_weigh, name, plan.times(SESSIONS, least=100)) for name in ("ours", "bare server")
    }
    # Theirs take seconds to start and weigh so much that a hundred tell as well.
    contestants |= {name: partial(_weigh, name, plan.times(PIPECAT_SESSIONS, least=10)) for name in theirs}
    rounds = take_turns(contestants, 1 if plan.is_smoke else 7, warm_up=False)
    case = "memory of one"
    lines = [rounds.alone(3, "sessions", case, measure="kib", unit="KiB", bound=MOST_KIB)]
    for name in contestants:
        if name != "ours":
            judged = "ratio" if name == "bare server" else "speedup"
            lines.append(
                rounds.compare(3, "sessions", case, against=name, measure="kib", unit="KiB", judged=judged)  # type: ignore[arg-type]
            )
    return lines


def _live(plan: Plan) -> Line:
    wanted = plan.times(LIVE, least=300)
    number = min(wanted, allow_sockets(wanted + 100) - 100)
    held = _weigh("ours", number)
    note = f"{number:,} held live, all answering: {held['kib']:.1f} KiB each"
    figure = held["in_a_gib"]
    return Line(
        3, "sessions", "how many in 1 GiB", "", figure, None, "sessions", "ours", Spread(figure, figure, figure),
        bound=LEAST_IN_A_GIB, is_least=True, note=note,
    )  # fmt: skip


def _setting_up(plan: Plan, theirs: list[str]) -> list[Line]:
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        servers = {name: stack.enter_context(start(name)) for name in ("ours", "bare server", *theirs)}
        contestants: dict[str, Callable[[], Sample]] = {
            name: partial(_set_up, runner, server, plan.times(SET_UPS if name not in theirs else 30, least=5))
            for name, server in servers.items()
        }
        rounds = take_turns(contestants, plan.rounds)
    case = "set-up of one: connection, handshake, first answer"
    lines = [rounds.alone(3, "set-up", case, measure="wall_ms", unit="ms", bound=MOST_SET_UP_MS, note="by the clock")]
    told = partial(rounds.compare, 3, "set-up", case, measure="cpu_ms", unit="ms", wall="wall_ms")
    lines.append(told(against="bare server"))
    lines += [told(against=name, judged="speedup") for name in theirs]
    return lines
