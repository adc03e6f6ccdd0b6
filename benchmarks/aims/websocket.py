"""Aim 2: an action's round trip over WebSocket: the server's CPU, its answers' delays, and how many Pipecat manages.

The bare server is what one gets with uvicorn and Starlette and nothing else, answering with the checked floor. Each
connection sends its next request when the last was answered. What the client needs is not counted: it is another
process.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import uvloop

from benchmarks.client import WebSocketClient, close_all, connect_many
from benchmarks.environments import CURRENT, ORIGINAL
from benchmarks.lines import Line
from benchmarks.parties import Party, ours, peer
from benchmarks.timing import Plan, Rounds, Sample, take_turns
from benchmarks.traffic import ENCODINGS, Request, make_requests, open_sessions, round_trips

MOST_OVER_BARE = 1.25
MOST_P99_OVER_BARE = 1.5
LEAST_OVER_PIPECAT = 10.0
CONNECTIONS = (1, 100, 1000)
AGAINST_PIPECAT = 100


def one_round(
    runner: asyncio.Runner, server: Party, clients: Sequence[WebSocketClient], requests: Sequence[Request], number: int
) -> Sample:
    """Do so many round trips.

    Gives the microseconds of the server's CPU for each, the 99th percentile of their milliseconds, and how many there
    were a second.
    """
    before, start = server.figures()["cpu_s"], time.perf_counter()
    took = runner.run(round_trips(clients, requests, number))
    seconds = time.perf_counter() - start
    cpu_s = server.figures()["cpu_s"] - before
    p99 = statistics.quantiles(took, n=100)[98] if len(took) > 1 else took[0]
    return {"cpu_us": cpu_s * 1e6 / number, "p99_ms": p99 * 1e3, "per_s": number / seconds}


def measure(plan: Plan) -> list[Line]:
    """Measure both encodings at each number of connections, then Pipecat at 100."""
    lines: list[Line] = []
    with (
        ours("ours.servers", "ours") as mine,
        ours("ours.servers", "bare") as bare,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        for connections in CONNECTIONS:
            for encoding in ENCODINGS:
                lines += _over_bare(plan, runner, mine, bare, connections, encoding)
        for name in (ORIGINAL, CURRENT):
            if name in plan.peers:
                with peer(name, "pipecat_server.py") as theirs:
                    lines += _over_pipecat(plan, runner, mine, name, theirs)
    return lines


def _over_bare(
    plan: Plan, runner: asyncio.Runner, mine: Party, bare: Party, connections: int, encoding: str
) -> list[Line]:
    clients = {
        "ours": runner.run(open_sessions(connections, mine.port, encoding)),
        "bare server": runner.run(connect_many(connections, "/ws", bare.port)),
    }
    requests = make_requests(encoding)
    number = max(plan.times(5_000), plan.times(10, least=2) * connections)
    servers = {"ours": mine, "bare server": bare}
    rounds = _take_turns(plan, runner, servers, clients, requests, dict.fromkeys(servers, number))
    case = f"{encoding}, {connections:,} connection{'s' if connections > 1 else ''}"
    lines = [
        rounds.compare(2, "websocket", case, against="bare server", measure="cpu_us", unit="µs", bound=MOST_OVER_BARE)
    ]
    if connections == max(CONNECTIONS):
        lines.append(
            rounds.compare(2, "p99", case, against="bare server", measure="p99_ms", unit="ms", bound=MOST_P99_OVER_BARE)
        )
    if connections == AGAINST_PIPECAT:
        lines.append(
            rounds.compare(2, "round trips", case, against="bare server", measure="per_s", unit="/s", judged="rate")
        )
    return lines


def _over_pipecat(plan: Plan, runner: asyncio.Runner, mine: Party, name: str, theirs: Party) -> list[Line]:
    dialect = "action" if name == ORIGINAL else "client-message"
    connections = plan.times(AGAINST_PIPECAT, least=10)
    clients = {
        "ours": runner.run(open_sessions(connections, mine.port, "protobuf")),
        name: runner.run(open_sessions(connections, theirs.port, "protobuf", "1.0.0")),
    }
    requests = make_requests("protobuf", dialect)
    # Ours does more, so that a round takes both long enough for the machine's hiccups not to decide it.
    numbers = {"ours": plan.times(16_000, least=connections), name: plan.times(2_000, least=connections)}
    rounds = _take_turns(plan, runner, {"ours": mine, name: theirs}, clients, requests, numbers)
    case = f"protobuf, {connections} connections, {dialect}"
    told = partial(rounds.compare, 2, case=case, against=name)
    return [
        told("round trips", measure="per_s", unit="/s", judged="rate", bound=LEAST_OVER_PIPECAT),
        told("websocket", measure="cpu_us", unit="µs", judged="speedup"),
    ]


def _take_turns(
    plan: Plan,
    runner: asyncio.Runner,
    servers: dict[str, Party],
    clients: dict[str, list[WebSocketClient]],
    requests: list[Request],
    numbers: dict[str, int],
) -> Rounds:
    contestants: dict[str, Callable[[], Sample]] = {
        name: partial(one_round, runner, server, clients[name], requests, numbers[name])
        for name, server in servers.items()
    }
    rounds = take_turns(contestants, plan.rounds)
    for sockets in clients.values():
        runner.run(close_all(sockets))
    return rounds
